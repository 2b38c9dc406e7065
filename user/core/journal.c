// SPDX-License-Identifier: GPL-2.0-only
/* One record, to the journal or to stderr; which of the two is asked once. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <systemd/sd-journal.h>
#include "user/base/text.h"
#include "user/core/journal.h"

__u64 fw_journal_count[FW_E_MAX];
const char *const fw_journal_name[FW_E_MAX] = {
#define X(id, name, mid, text) name,
	FW_EVENTS(X)
#undef X
};
static const char *const message_id[FW_E_MAX] = {
#define X(id, name, mid, text) "MESSAGE_ID=" mid,
	FW_EVENTS(X)
#undef X
};

/* systemd names the device and inode of the stream that it connected stderr to. */
static bool to_journal(void)
{
	static int known = -1;
	unsigned long long dev, ino;
	const char *env;
	struct stat st;

	if (known < 0) {
		env = getenv("JOURNAL_STREAM");
		known = env && sscanf(env, "%llu:%llu", &dev, &ino) == 2 &&
			!fstat(STDERR_FILENO, &st) && st.st_dev == dev && st.st_ino == ino;
	}
	return known;
}

void fw_journal_send(int priority, enum fw_event event, const char *const *fields, const char *text)
{
	char message[1024 + 8] = "MESSAGE=", prio[16];
	struct iovec iov[FW_JOURNAL_FIELDS + 3];
	int n = 0;

	fw_text_clean(message + 8, sizeof(message) - 8, text);
	snprintf(prio, sizeof(prio), "PRIORITY=%d", priority);
	iov[n++] = (struct iovec){ message, strlen(message) };
	iov[n++] = (struct iovec){ prio, strlen(prio) };
	iov[n++] = (struct iovec){ (void *)(unsigned long)message_id[event],
				   strlen(message_id[event]) };
	for (int i = 0; fields && fields[i] && i < FW_JOURNAL_FIELDS; i++)
		iov[n++] = (struct iovec){ (void *)(unsigned long)fields[i], strlen(fields[i]) };
	sd_journal_sendv(iov, n);
}

void fw_journal(int priority, enum fw_event event, const char *const *fields, const char *fmt, ...)
{
	char raw[1024], text[sizeof(raw)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	fw_journal_count[event]++;
	if (to_journal()) {
		fw_journal_send(priority, event, fields, raw);
		return;
	}
	fprintf(stderr, "%s\n", fw_text_clean(text, sizeof(text), raw));
}
