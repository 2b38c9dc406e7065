// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who types: the SSH session that the command runs in, from its environment or, because sudo clears
 * that, from an ancestor's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/base/text.h"
#include "user/cli/session.h"

#define ANCESTORS_MAX	32
#define ENVIRONMENT_MAX (256 * 1024)

/* A word of at most an address, its zone left out. Returns what follows, NULL when it is none. */
static const char *take_addr(const char *text, __be32 ret_addr_be[4])
{
	char addr[64];
	size_t len = strcspn(text, " %");

	if (!len || len >= sizeof(addr))
		return NULL;
	memcpy(addr, text, len);
	addr[len] = '\0';
	return fw_text_addr(addr, ret_addr_be, NULL) ? NULL : text + strcspn(text, " ");
}

/* "client port server port" of SSH_CONNECTION, "client port port" of SSH_CLIENT. */
static int session_parse(const char *text, struct fw_file_session *ret)
{
	struct fw_file_session session = { 0 };
	unsigned int port;

	text = take_addr(text, session.peer_be);
	if (!text)
		return -ENOENT;
	text += strspn(text, " ");
	text += strcspn(text, " ");
	text = take_addr(text + strspn(text, " "), session.server_be);
	if (text && sscanf(text, " %u", &port) == 1 && port && port <= 65535)
		session.port = (__u16)port;
	else
		memset(session.server_be, 0, sizeof(session.server_be));
	*ret = session;
	return 0;
}

static const char *const session_names[] = { "SSH_CONNECTION=", "SSH_CLIENT=" };

/* Look through an environment block: strings one after the other. */
static int session_in(const char *block, size_t size, struct fw_file_session *ret)
{
	for (const char *at = block; at < block + size; at += strlen(at) + 1)
		for (int i = 0; i < 2; i++) {
			size_t len = strlen(session_names[i]);

			if (!strncmp(at, session_names[i], len) && !session_parse(at + len, ret))
				return 0;
		}
	return -ENOENT;
}

/* Whole file into buf, terminated. Bytes read, or 0. */
static size_t read_proc(pid_t pid, const char *file, char *buf, size_t size)
{
	char path[64];
	size_t got;
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	in = fopen(path, "re");
	if (!in)
		return 0;
	got = fread(buf, 1, size - 1, in);
	fclose(in);
	buf[got] = '\0';
	return got;
}

/* The name in /proc/PID/stat may hold anything; the parent stands after its last parenthesis. */
static pid_t parent_of(pid_t pid)
{
	char buf[1024], *after;
	int parent;

	if (!read_proc(pid, "stat", buf, sizeof(buf)))
		return 0;
	after = strrchr(buf, ')');
	if (!after || sscanf(after + 1, " %*c %d", &parent) != 1)
		return 0;
	return parent;
}

int fw_session_find(struct fw_file_session *ret)
{
	const char *own[] = { getenv("SSH_CONNECTION"), getenv("SSH_CLIENT") };
	int found = -ENOENT;
	pid_t pid = getppid();
	char *block;

	for (int i = 0; i < 2; i++)
		if (own[i] && !session_parse(own[i], ret))
			return 0;
	block = malloc(ENVIRONMENT_MAX);
	if (!block)
		return -ENOENT;
	for (int i = 0; found && pid > 1 && i < ANCESTORS_MAX; i++, pid = parent_of(pid)) {
		size_t size = read_proc(pid, "environ", block, ENVIRONMENT_MAX);

		found = session_in(block, size, ret);
	}
	free(block);
	return found;
}
