// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel can do with BPF, found out by trying: tiny programs and maps that are closed at
 * once. Version numbers only appear in the words, since distributions backport.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "user/kern/noise.h"
#include "user/kern/probe.h"

static enum fw_tri tri(int r)
{
	return r < 0 ? FW_UNKNOWN : r ? FW_YES : FW_NO;
}

int fw_probe_caps(struct fw_caps *ret)
{
	unsigned long long mask = 0;
	char line[128];
	FILE *f = fopen("/proc/self/status", "re");

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "CapEff: %llx", &mask) == 1)
			break;
	fclose(f);
	*ret = (struct fw_caps){
		.bpf = mask >> CAP_BPF & 1,
		.net_admin = mask >> CAP_NET_ADMIN & 1,
		.perfmon = mask >> CAP_PERFMON & 1,
		.sys_admin = mask >> CAP_SYS_ADMIN & 1,
	};
	return 0;
}

static enum fw_tri probe_mmap(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "fw_probe", 4, 8, 1, &opts);

	if (fd >= 0)
		close(fd);
	return fd >= 0 ? FW_YES : errno == EPERM ? FW_UNKNOWN : FW_NO;
}

/* Compare-and-swap on the stack; tells at the same time whether programs get compiled. */
static void probe_program(struct fw_features *f)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0 },
		{ .code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = 10, .src_reg = 0, .off = -8 },
		{ .code = BPF_STX | BPF_ATOMIC | BPF_DW,
		  .dst_reg = 10,
		  .src_reg = 0,
		  .off = -8,
		  .imm = BPF_CMPXCHG },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);
	int fd;

	fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "fw_probe", "GPL", insns,
			   sizeof(insns) / sizeof(*insns), NULL);
	f->atomics = fd >= 0 ? FW_YES : errno == EPERM ? FW_UNKNOWN : FW_NO;
	f->jit = FW_UNKNOWN;
	if (fd < 0)
		return;
	if (!bpf_obj_get_info_by_fd(fd, &info, &len))
		f->jit = info.jited_prog_len ? FW_YES : FW_NO;
	close(fd);
}

/* An extension of nothing is refused as invalid where extensions exist, and as EPERM where not. */
static enum fw_tri probe_ext(void)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .attach_btf_id = 1);
	int fd;

	fd = bpf_prog_load(BPF_PROG_TYPE_EXT, "fw_probe", "GPL", insns, 2, &opts);
	if (fd >= 0) {
		close(fd);
		return FW_YES;
	}
	return errno == EPERM ? FW_NO : FW_YES;
}

int fw_probe_features(struct fw_features *ret, struct fw_err *err)
{
	struct fw_features f = {};
	struct fw_caps caps = {};
	struct utsname uts;

	if (fw_probe_caps(&caps)) /* no /proc: the kernel will say */
		caps = (struct fw_caps){ true, true, true, true };
	if (!caps.net_admin || !(caps.sys_admin || (caps.bpf && caps.perfmon)))
		return fw_err_set(err, -EPERM, "run as root",
				  "this needs the capability %s, which the process lacks",
				  !caps.net_admin ? "CAP_NET_ADMIN"
				  : !caps.bpf	  ? "CAP_BPF"
						  : "CAP_PERFMON");
	fw_noise_clear();
	if (!uname(&uts))
		sscanf(uts.release, "%u.%u", &f.major, &f.minor);
	f.mmap_array = probe_mmap();
	probe_program(&f);
	f.jiffies = tri(libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, BPF_FUNC_jiffies64, NULL));
	f.frags = tri(libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, BPF_FUNC_xdp_get_buff_len, NULL));
	f.syncookie =
		tri(libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, BPF_FUNC_tcp_gen_syncookie, NULL));
	f.raw_cookie = tri(libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP,
						   BPF_FUNC_tcp_raw_gen_syncookie_ipv4, NULL));
	f.dispatcher = probe_ext();
	*ret = f;
	return 0;
}

int fw_probe_require(const struct fw_features *f, struct fw_err *err)
{
	const struct {
		enum fw_tri have;
		const char *what;
	} needed[] = {
		{ f->mmap_array, "arrays mapped into memory (5.5)" },
		{ f->jiffies, "the helper bpf_jiffies64 (5.5)" },
		{ f->atomics, "compare-and-swap in BPF (5.12)" },
	};

	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		if (needed[i].have == FW_NO)
			return fw_err_set(err, -EOPNOTSUPP, "floodwall needs Linux 5.15 or newer",
					  "kernel %u.%u lacks %s", f->major, f->minor,
					  needed[i].what);
	return 0;
}
