// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs a command and strikes at one of its system calls: kills it there, or lets the call fail.
 * Counting begins where the command first takes the lock or asks for BPF, so that loading libraries
 * is not counted; with STRIKE_WHEN=PATH, where it does so after that file has come to be. x86-64.
 *
 *	strike count|kill|ERRNO N CMD ARG...
 *
 * Prints "calls N exit CODE|signal NR open F struck CALL flip N": system calls counted, how it
 *ended, descriptors above 2 that it had open when it ended (-1: it was killed), which call was
 *struck, and the number of the first membarrier(), which follows the store that changes what runs
 *(0: none).
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

struct strike {
	pid_t pid;
	long at;   /* number of the call, from 1; 0 = none */
	int error; /* 0 = kill */
	long calls, flip;
	long struck; /* system call number, -1 = none */
	int open;
	bool counting, inside, fake;
	const char *when;
	unsigned long long rdi; /* of the struck call */
};

static int open_files(pid_t pid)
{
	char path[64];
	struct dirent *entry;
	DIR *dir;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		n += entry->d_name[0] != '.' && atoi(entry->d_name) > 2;
	if (dir)
		closedir(dir);
	return n;
}

/* At a call's entry. True: the command was killed. */
static bool enter(struct strike *s, struct user_regs_struct *regs)
{
	long call = (long)regs->orig_rax;

	s->counting |=
		(call == SYS_flock || call == SYS_bpf) && (!s->when || !access(s->when, F_OK));
	/* Leaving is not a call that can fail. */
	if (!s->counting || call == SYS_exit_group || call == SYS_exit)
		return false;
	s->calls++;
	if (call == SYS_membarrier && !s->flip)
		s->flip = s->calls;
	if (s->calls != s->at)
		return false;
	s->struck = call;
	if (!s->error) {
		kill(s->pid, SIGKILL);
		return true;
	}
	/* brk() has no errors: it answers with the break as it was. */
	s->rdi = regs->rdi;
	if (call == SYS_brk)
		regs->rdi = 0;
	else
		regs->orig_rax = (unsigned long long)-1;
	ptrace(PTRACE_SETREGS, s->pid, NULL, regs);
	s->fake = true;
	return false;
}

static void leave(struct strike *s, struct user_regs_struct *regs)
{
	if (!s->fake)
		return;
	s->fake = false;
	if (s->struck == SYS_brk)
		regs->rdi = s->rdi; /* a call changes no argument */
	else
		regs->rax = (unsigned long long)-(long)s->error;
	ptrace(PTRACE_SETREGS, s->pid, NULL, regs);
}

static void call_stop(struct strike *s)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, s->pid, NULL, &regs))
		return;
	if (!s->inside && enter(s, &regs))
		return;
	if (s->inside)
		leave(s, &regs);
	s->inside = !s->inside;
}

/* Until the command ends; its wait status. */
static int watch(struct strike *s)
{
	int status, pass = 0;

	for (;;) {
		if (ptrace(PTRACE_SYSCALL, s->pid, NULL, pass) && errno == ESRCH)
			pass = 0;
		if (waitpid(s->pid, &status, 0) != s->pid || WIFEXITED(status) ||
		    WIFSIGNALED(status))
			return status;
		pass = 0;
		if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8))
			s->open = open_files(s->pid);
		else if (WSTOPSIG(status) == (SIGTRAP | 0x80))
			call_stop(s);
		else if (WSTOPSIG(status) != SIGTRAP)
			pass = WSTOPSIG(status);
	}
}

static int begin(struct strike *s, char **argv)
{
	int status;

	s->pid = fork();
	if (!s->pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (s->pid < 0 || waitpid(s->pid, &status, 0) != s->pid || !WIFSTOPPED(status))
		return -1;
	return ptrace(PTRACE_SETOPTIONS, s->pid, NULL,
		      PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL)
		       ? -1
		       : 0;
}

int main(int argc, char **argv)
{
	struct strike s = { .struck = -1, .open = -1, .when = getenv("STRIKE_WHEN") };
	int status;

	if (argc < 4) {
		fprintf(stderr, "usage: strike count|kill|ERRNO N CMD ARG...\n");
		return 2;
	}
	s.at = strcmp(argv[1], "count") ? atol(argv[2]) : 0;
	s.error = atoi(argv[1]);
	if (begin(&s, argv + 3)) {
		perror("strike");
		return 2;
	}
	status = watch(&s);
	if (WIFEXITED(status))
		printf("calls %ld exit %d", s.calls, WEXITSTATUS(status));
	else
		printf("calls %ld signal %d", s.calls, WTERMSIG(status));
	printf(" open %d struck %ld flip %ld\n", WIFEXITED(status) ? s.open : -1, s.struck, s.flip);
	return 0;
}
