/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What libbpf and libxdp would print to stderr, kept instead: nobody above sees their chatter, and
 * the one line that explains a failure ends up in the hint of our error. Not for use above kern.
 */
#ifndef FW_KERN_NOISE_H
#define FW_KERN_NOISE_H

/* Forget what was said so far, and make sure that we are listening. Call before a risky call. */
void fw_noise_clear(void);

/*
 * The line that matters most since the last clear: what the kernel said, else the first warning.
 * NULL when nothing was said. Valid until the next clear.
 */
const char *fw_noise_line(void);

#endif
