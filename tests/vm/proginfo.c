// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a kernel says of one program, as a line of JSON: how many instructions its verifier followed
 * and how large the result is. bpftool of Debian 12 does not tell the first.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/bpf.h>
#include <bpf/bpf.h>

int main(int argc, char **argv)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);
	int fd;

	if (argc != 2) {
		fprintf(stderr, "usage: proginfo ID\n");
		return 1;
	}
	fd = bpf_prog_get_fd_by_id((__u32)strtoul(argv[1], NULL, 10));
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len)) {
		fprintf(stderr, "proginfo: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	printf("{\"id\": %u, \"name\": \"%s\", \"verified\": %u, \"instructions\": %u, "
	       "\"bytes\": %u}\n",
	       info.id, info.name, info.verified_insns, info.xlated_prog_len / 8,
	       info.jited_prog_len);
	return 0;
}
