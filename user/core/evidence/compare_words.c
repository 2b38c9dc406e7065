// SPDX-License-Identifier: GPL-2.0-only
/*
 * A comparison as JSON and in sentences. What overlaps is said with what chance would give, and
 * with what else would explain it: visitors come back, too.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "user/base/json.h"
#include "user/base/text.h"
#include "user/core/evidence/compare.h"

static json_t *overlap_json(const struct fw_compare_overlap *o)
{
	return json_pack("{s:o,s:o,s:o,s:f,s:f,s:f}", "a", fw_json_count(o->a), "b",
			 fw_json_count(o->b), "shared", fw_json_count(o->shared), "jaccard",
			 o->jaccard, "expected_by_chance", o->expected, "log10_of_chance_at_most",
			 o->log10_limit);
}

static json_t *sources_json(const struct fw_compare_sources *s)
{
	return json_pack("{s:o,s:o,s:f}", "addresses", overlap_json(&s->addresses), "networks",
			 overlap_json(&s->networks), "expected_within_shared_networks", s->within);
}

/* A number that may be anything between nearly nothing and millions, as people write it. */
static const char *expected(char buf[32], double n)
{
	if (n >= 999.5)
		return fw_text_put_grouped(buf, 32, (__u64)(n + 0.5));
	if (n > 0 && n < 0.0001)
		return "less than 0.0001";
	snprintf(buf, 32, "%.3g", n);
	return buf;
}

static const char *apart_text(char buf[48], double s)
{
	if (s < 120)
		snprintf(buf, 48, "%.0f second%s", s, s >= 0.5 && s < 1.5 ? "" : "s");
	else if (s < 7200)
		snprintf(buf, 48, "%.0f minutes", s / 60);
	else
		snprintf(buf, 48, "%.1f hours", s / 3600);
	return buf;
}

static void unusual(char *buf, size_t size, const struct fw_compare_overlap *o)
{
	char n[32];

	if (!o->a || !o->b)
		snprintf(buf, size, "nothing to compare");
	else if (!o->shared)
		snprintf(buf, size, "%s",
			 o->expected < 1 ? "as chance alone would have it"
					 : "fewer than chance alone would give");
	else if (o->log10_limit > -2)
		snprintf(buf, size, "no more than chance alone would give (about %s)",
			 expected(n, o->expected));
	else
		snprintf(buf, size,
			 "two random draws from all there are would share %s%s, and so many or "
			 "more with a chance of less than 1 in 10^%.0f: they are no random draws, "
			 "which does not say whose they are",
			 o->expected < 1 && o->expected >= 0.0001 ? "only " : "",
			 expected(n, o->expected), o->log10_limit < -99 ? 99 : -o->log10_limit);
}

static int say_sources(json_t *words, const char *what, const struct fw_compare_sources *s)
{
	char text[512], how[256], n[32];
	int err = 0;

	unusual(how, sizeof(how), &s->addresses);
	snprintf(text, sizeof(text),
		 "%s: %llu of %llu and %llu addresses are the same (Jaccard %.4f): %s.", what,
		 (unsigned long long)s->addresses.shared, (unsigned long long)s->addresses.a,
		 (unsigned long long)s->addresses.b, s->addresses.jaccard, how);
	err |= fw_json_push(words, json_string(text));
	unusual(how, sizeof(how), &s->networks);
	snprintf(text, sizeof(text),
		 "%s: %llu of %llu and %llu networks (/24, /48) are the same (Jaccard %.4f): %s.",
		 what, (unsigned long long)s->networks.shared, (unsigned long long)s->networks.a,
		 (unsigned long long)s->networks.b, s->networks.jaccard, how);
	err |= fw_json_push(words, json_string(text));
	if (!s->networks.shared)
		return err;
	snprintf(text, sizeof(text),
		 "%s: within the networks that both came from, %s shared addresses would be "
		 "expected at random; there are %llu.",
		 what, expected(n, s->within), (unsigned long long)s->addresses.shared);
	return err | fw_json_push(words, json_string(text));
}

/* Shares of packets by reason, of all that did not simply pass. */
static json_t *reason_shares(const json_t *report)
{
	static const char *const lists[] = { "reasons", "would_reasons" };
	json_t *counted = json_object_get(report, "counted"), *shares = json_object();
	double sum = 0;
	const char *name;

	for (unsigned int r = 0; r < FW_R_MAX; r++) {
		double n = 0;

		name = fw_incident_reason_name(r);
		for (int l = 0; l < 2; l++)
			n += json_number_value(json_object_get(
				json_object_get(json_object_get(counted, lists[l]), name),
				"packets"));
		if (fw_incident_reason_verdict(r) == FW_V_PASS || n <= 0)
			continue;
		(void)fw_json_set(shares, name, json_real(n)); /* a lack shows as no share */
		sum += n;
	}
	for (void *at = json_object_iter(shares); at; at = json_object_iter_next(shares, at))
		json_real_set(json_object_iter_value(at),
			      fw_report_share(json_real_value(json_object_iter_value(at)), sum));
	return shares;
}

static json_t *kind_shares(const json_t *report)
{
	json_t *kinds = json_object_get(json_object_get(report, "samples"), "kinds"), *row;
	json_t *shares = json_object();

	for (size_t i = 0; (row = json_array_get(kinds, i)); i++)
		(void)json_object_set(shares, json_string_value(json_object_get(row, "kind")),
				      json_object_get(row, "share"));
	return shares;
}

static json_t *trait(const json_t *report, const char *name)
{
	return json_object_get(json_object_get(json_object_get(report, "samples"), name), "shares");
}

static bool moment(const json_t *report, time_t *ret)
{
	const char *text =
		json_string_value(json_object_get(json_object_get(report, "incident"), "start"));
	struct tm tm = { 0 };

	if (!text || !strptime(text, "%Y-%m-%dT%H:%M:%S", &tm))
		return false;
	*ret = timegm(&tm);
	return true;
}

static json_t *timing_json(const json_t *a, const json_t *b, json_t *words)
{
	double la = json_number_value(json_object_get(json_object_get(a, "incident"), "seconds"));
	double lb = json_number_value(json_object_get(json_object_get(b, "incident"), "seconds"));
	time_t ta = 0, tb = 0;
	char text[256], begin[48], day[48], first[48], second[48];
	double apart, of_day;

	if (!moment(a, &ta) || !moment(b, &tb))
		return json_null();
	apart = difftime(tb, ta);
	of_day = (double)((tb - ta) % 86400);
	of_day = of_day < 0 ? of_day + 86400 : of_day;
	of_day = of_day > 43200 ? 86400 - of_day : of_day;
	snprintf(
		text, sizeof(text),
		"Timing: they began %s apart, at times of day that differ by %s, and lasted %s and "
		"%s.",
		apart_text(begin, apart < 0 ? -apart : apart), apart_text(day, of_day),
		apart_text(first, la), apart_text(second, lb));
	(void)fw_json_push(words, json_string(text)); /* the figures are there without it, too */
	return json_pack("{s:f,s:f,s:f,s:f}", "seconds_apart", apart, "time_of_day_apart", of_day,
			 "a_seconds", la, "b_seconds", lb);
}

static json_t *share(double value)
{
	return value < 0 ? json_null() : json_real(value);
}

static json_t *traits_json(const json_t *a, const json_t *b, json_t *words)
{
	json_t *ra = reason_shares(a), *rb = reason_shares(b), *ka = kind_shares(a),
	       *kb = kind_shares(b);
	double reasons = fw_compare_shares(ra, rb), kinds = fw_compare_shares(ka, kb);
	double ttl = fw_compare_shares(trait(a, "ttl"), trait(b, "ttl"));
	double length = fw_compare_shares(trait(a, "length"), trait(b, "length"));
	char text[320], samples[160];

	if (kinds < 0 || ttl < 0 || length < 0)
		snprintf(samples, sizeof(samples), "samples are missing on one side");
	else
		snprintf(samples, sizeof(samples),
			 "kinds to %.0f %%, TTLs to %.0f %%, lengths to %.0f %% (from samples)",
			 100 * kinds, 100 * ttl, 100 * length);
	if (reasons < 0)
		snprintf(text, sizeof(text), "Packets: one side dropped or answered none; %s.",
			 samples);
	else
		snprintf(text, sizeof(text), "Packets: reasons agree to %.0f %% (counted); %s.",
			 100 * reasons, samples);
	(void)fw_json_push(words, json_string(text)); /* as above */
	json_decref(ra);
	json_decref(rb);
	json_decref(ka);
	json_decref(kb);
	return json_pack("{s:o,s:o,s:o,s:o}", "reasons", share(reasons), "kinds_sampled",
			 share(kinds), "ttl_sampled", share(ttl), "length_sampled", share(length));
}

static json_t *side_json(const struct fw_compare_side *s)
{
	return json_pack("{s:o,s:b,s:O?}", "name", fw_json_text(s->name), "bundle", (int)s->bundle,
			 "incident", json_object_get(s->report, "incident"));
}

/* Read twice, be it from the history and from its bundle. */
static bool same_incident(const json_t *a, const json_t *b)
{
	static const char *const keys[] = { "id", "start" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (!json_equal(json_object_get(json_object_get(a, "incident"), keys[i]),
				json_object_get(json_object_get(b, "incident"), keys[i])))
			return false;
	return true;
}

json_t *fw_compare_json(const struct fw_compare_side *a, const struct fw_compare_side *b)
{
	static const char caution[] =
		"What overlaps may have another reason than the same attacker: visitors come back "
		"from the same networks, and a spoofed address says nothing about its sender. "
		"Sampled addresses are a part of those that were there, so more may have been "
		"there "
		"both times than are counted.";
	json_t *doc = json_object(), *words = json_array();
	struct fw_compare_sources proven, other;
	int err = 0;

	fw_compare_sources(&a->proven, &b->proven, &proven);
	fw_compare_sources(&a->other, &b->other, &other);
	if (same_incident(a->report, b->report))
		err |= fw_json_push(words, json_string("Both are one and the same incident."));
	err |= say_sources(words, "Proven sources", &proven);
	err |= say_sources(words, "Possibly spoofed", &other);
	err |= fw_json_set(doc, "a", side_json(a));
	err |= fw_json_set(doc, "b", side_json(b));
	err |= fw_json_set(doc, "proven", sources_json(&proven));
	err |= fw_json_set(doc, "possibly_spoofed", sources_json(&other));
	err |= fw_json_set(doc, "agreement", traits_json(a->report, b->report, words));
	err |= fw_json_set(doc, "timing", timing_json(a->report, b->report, words));
	err |= fw_json_push(words, json_string(caution));
	err |= fw_json_set(doc, "words", words);
	if (!err)
		return doc;
	json_decref(doc);
	return NULL;
}
