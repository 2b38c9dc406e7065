# SPDX-License-Identifier: GPL-2.0-only
# Every target of the project. `make help` lists them. V=1 shows commands, SAN=1 builds user space
# with sanitizers, O=DIR builds elsewhere. Nothing but install writes outside $(O).

O ?= build
# Said here, or make would take one path for several, and `clean` would remove them.
ifneq ($(words $(CURDIR))$(words $(O)),11)
$(error make takes a path for one word, without spaces: "$(CURDIR)", O="$(O)")
endif
ifneq ($(filter $(patsubst %/,%,$(abspath $(O)))/%,$(CURDIR)/x),)
$(error O=$(O) holds the sources themselves: name a directory for what is built)
endif
# One name for one directory, or the dependencies written under the other would not count.
override O := $(patsubst $(CURDIR)/%,%,$(abspath $(O)))
CLANG ?= clang-14
LLVM_STRIP ?= llvm-strip-14
BPFTOOL ?= /usr/sbin/bpftool
PKGS := libbpf libxdp libmnl jansson libfyaml libsystemd libmicrohttpd sqlite3 libsodium nettle libmaxminddb libpcap
VERSION := 0.1.0
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s %s\n' '$(1)' '$(2)')

WARN := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wundef -Werror
CFLAGS ?= -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong
CFLAGS += $(if $(SAN),-fsanitize=address$(,)undefined -fno-omit-frame-pointer)
, := ,
FW_CFLAGS = $(CPPFLAGS) $(CFLAGS) -std=gnu11 $(WARN) -D_GNU_SOURCE -DFW_VERSION='"$(VERSION)"' -I. -I$(O) -MMD -MP \
	    $(shell pkg-config --cflags $(PKGS))
FW_LIBS = -Wl,--as-needed $(shell pkg-config --libs $(PKGS)) -lelf -lz -lm
BPF_CFLAGS := -O2 -g -target bpf -mcpu=v3 -Wall -Wextra -Werror -Wno-unused-function -MMD -MP

USER_SRC := $(wildcard user/*/*.c user/core/*/*.c)
USER_OBJ := $(USER_SRC:%.c=$(O)/%.o)
LIB_OBJ := $(filter-out $(O)/user/cli/main.o,$(USER_OBJ))
# What the pure floors need: no BPF, no privilege. Of the record, what the recorder is made of.
PURE_OBJ := $(filter-out $(O)/user/core/record/record%,$(filter $(O)/user/base/% $(O)/user/policy/% \
	$(O)/user/core/record/% $(O)/user/core/evidence/% $(O)/user/core/replay/capture_ng.o,$(USER_OBJ)))

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all bpf user lab tests clean help setup test test-unit test-prog test-netns test-vm test-model test-san soak check format demo bench fuzz man install uninstall deb

all: user ## build the command and the program in it
bpf: $(O)/floodwall.bpf.o ## build the XDP object alone
# What was compiled with sanitizers and what was not do not mix.
SANITIZED := $(O)/sanitized.$(if $(SAN),yes,no)
ifneq ($(filter-out $(SANITIZED),$(wildcard $(O)/sanitized.*)),)
ifneq ($(filter-out clean help,$(or $(MAKECMDGOALS),all)),)
$(error $(O) was built $(if $(SAN),without SAN=1,with SAN=1): name another directory (O=DIR), or make clean)
endif
endif
$(SANITIZED):
	@mkdir -p $(@D)
	@touch $@
user: $(O)/floodwall

$(O)/floodwall.bpf.o: bpf/floodwall.bpf.c Makefile
	$(call say,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c $< -o $@.tmp -MF $(O)/floodwall.bpf.d -MT $@
	$(Q)$(LLVM_STRIP) -g $@.tmp -o $@ && rm $@.tmp

$(O)/floodwall.skel.h: $(O)/floodwall.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name floodwall_bpf > $@

$(O)/user/kern/%.o: user/kern/%.c Makefile | $(O)/floodwall.skel.h $(SANITIZED)
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(FW_CFLAGS) -c $< -o $@

$(O)/%.o: %.c Makefile | $(SANITIZED)
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(FW_CFLAGS) -c $< -o $@

$(O)/floodwall: $(USER_OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ -o $@ $(FW_LIBS)

# Tests: every tests/unit/*.c is one cmocka program over the pure floors; every tests/prog/*.c one
# over everything below the command line, run as root against the kernel's test-run.
UNIT := $(patsubst tests/unit/%.c,$(O)/tests/unit/%,$(wildcard tests/unit/test_*.c))
PROG := $(patsubst tests/prog/%.c,$(O)/tests/prog/%,$(wildcard tests/prog/test_*.c))
TESTLIB_OBJ := $(patsubst %.c,$(O)/%.o,$(wildcard tests/lib/*.c))

$(O)/tests/unit/%: $(O)/tests/unit/%.o $(PURE_OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $^ -o $@ -lcmocka $(FW_LIBS) -lm
$(O)/tests/prog/%: $(O)/tests/prog/%.o $(TESTLIB_OBJ) $(filter-out $(O)/user/cli/%,$(LIB_OBJ))
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $^ -o $@ -lcmocka -lpcap $(FW_LIBS) -lm
# Not a test: prints what the program learned of each frame of a capture.
FACTS := $(O)/tests/prog/facts
# Nor this: answers the independent model's frames (tests/model).
MODEL := $(O)/tests/model/driver
$(MODEL): $(MODEL).o $(TESTLIB_OBJ) $(filter-out $(O)/user/cli/%,$(LIB_OBJ))
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $^ -o $@ -lcmocka -lpcap $(FW_LIBS) -lm
# The one that tests the command line itself.
$(O)/tests/prog/test_line: $(filter $(O)/user/cli/%,$(LIB_OBJ))

# The lab's own tools: what the demo and the tests in namespaces send with.
LAB := $(O)/tests/netns/flood $(O)/tests/netns/voters $(O)/tests/netns/strike $(O)/tests/netns/night
$(O)/tests/netns/flood: $(patsubst %,$(O)/tests/netns/%.o,flood flood_send flood_pcap flood_xdp frame)
$(O)/tests/netns/voters: $(O)/tests/netns/voters.o
$(O)/tests/netns/strike: $(O)/tests/netns/strike.o
$(O)/tests/netns/night: $(O)/tests/netns/night.o $(filter-out $(O)/user/cli/%,$(LIB_OBJ))
$(LAB):
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $^ -o $@ -lpcap $(FW_LIBS) -lm
$(O)/tests/netns/%.bpf.o: tests/netns/%.bpf.c
	$(call say,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) -I/usr/include/$(shell $(CC) -dumpmachine) $(BPF_CFLAGS) -c $< -o $@
# What the tests in guests ask the guest's kernel with, and a program to put beside ours.
$(O)/tests/vm/%.bpf.o: tests/vm/%.bpf.c
	$(call say,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) -I/usr/include/$(shell $(CC) -dumpmachine) $(BPF_CFLAGS) -c $< -o $@
$(O)/tests/vm/proginfo: $(O)/tests/vm/proginfo.o
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $^ -o $@ -lbpf
lab: $(LAB) $(patsubst %,$(O)/tests/netns/%.bpf.o,pass drop storm) $(O)/tests/vm/proginfo $(O)/tests/vm/beside.bpf.o
tests: $(UNIT) $(PROG) $(FACTS) $(MODEL) lab

# The bench: its own programs as skeletons, its own main over everything below the command line.
BENCH := $(O)/tests/bench/bench
BENCH_OBJ := $(patsubst %.c,$(O)/%.o,$(filter-out %.bpf.c,$(wildcard tests/bench/*.c)))
$(O)/tests/bench/%.bpf.o: tests/bench/%.bpf.c
	$(call say,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c $< -o $@
$(O)/tests/bench/%.skel.h: $(O)/tests/bench/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@
$(BENCH_OBJ): | $(O)/tests/bench/bench.skel.h $(O)/tests/bench/layouts.skel.h $(O)/floodwall.skel.h
$(BENCH): $(BENCH_OBJ) $(filter-out $(O)/user/cli/%,$(LIB_OBJ))
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $^ -o $@ $(FW_LIBS) -lpthread

# The manual, from scdoc; what each page must name is checked by scripts/check-docs.
MAN := $(patsubst man/%.scd,$(O)/man/%,$(wildcard man/*.scd))
$(O)/man/%: man/%.scd
	$(call say,SCDOC,$@)
	@mkdir -p $(@D)
	$(Q)scdoc < $< > $@
man: $(MAN) ## build the manual pages

PREFIX ?= /usr/local
BIN = $(DESTDIR)$(PREFIX)/sbin
SHARE = $(DESTDIR)$(PREFIX)/share
LIB = $(DESTDIR)$(PREFIX)/lib
UNITDIR ?= $(PREFIX)/lib/systemd/system
COMPLETION = $(SHARE)/bash-completion/completions
install: all man ## install command, manual and completion (PREFIX, DESTDIR)
	$(Q)install -D -m 755 $(O)/floodwall $(BIN)/floodwall
	$(Q)for p in $(notdir $(MAN)); do \
		install -D -m 644 $(O)/man/$$p $(SHARE)/man/man$${p##*.}/$$p || exit 1; done
	$(Q)install -D -m 644 examples/floodwall.yaml $(SHARE)/floodwall/floodwall.yaml
	$(Q)install -d $(COMPLETION)
	$(Q)$(O)/floodwall completion bash > $(O)/completion
	$(Q)install -m 644 $(O)/completion $(COMPLETION)/floodwall
	$(Q)sed 's|/usr/sbin/floodwall|$(PREFIX)/sbin/floodwall|' system/floodwall.service > $(O)/unit
	$(Q)install -D -m 644 $(O)/unit $(DESTDIR)$(UNITDIR)/floodwall.service
	$(Q)install -D -m 644 system/floodwall.tmpfiles $(LIB)/tmpfiles.d/floodwall.conf
	$(Q)install -D -m 644 system/floodwall.sysusers $(LIB)/sysusers.d/floodwall.conf
	$(Q)for f in rules.yml rules_test.yml dashboard.json; do \
		install -D -m 644 system/floodwall.$$f $(SHARE)/floodwall/floodwall.$$f || exit 1; done
uninstall: ## remove what install installed
	$(Q)rm -f $(BIN)/floodwall $(COMPLETION)/floodwall $(DESTDIR)$(UNITDIR)/floodwall.service
	$(Q)rm -f $(LIB)/tmpfiles.d/floodwall.conf $(LIB)/sysusers.d/floodwall.conf
	$(Q)rm -rf $(SHARE)/floodwall
	$(Q)for p in $(notdir $(MAN)); do rm -f $(SHARE)/man/man$${p##*.}/$$p; done
deb: ## build the Debian package
	$(Q)scripts/deb

setup: ## install what building and testing need, from Debian's packages
	$(Q)scripts/setup
test: ## build and run every test (root)
	$(Q)scripts/setup
	$(Q)scripts/test all
test-vm: ## Debian's kernels in QEMU, real drivers; prints the README's table (root)
	$(Q)scripts/setup
	$(Q)FLOODWALL_VM=$(or $(FLOODWALL_VM),all) scripts/test vm
test-unit test-prog test-netns: ## one tier of the tests
	$(Q)scripts/test $(@:test-%=%)
test-model: ## a million packets, judged by the program and by a model of the manual (root)
	$(Q)scripts/setup
	$(Q)FLOODWALL_MODEL=$(or $(FLOODWALL_MODEL),1000000) scripts/test model
# Where commands and controller are run for long and in many ways; leaks cannot be looked for under ptrace.
SAN_TESTS := (ban or evidence or explain or journal or policy_flips or record or reload or replay or run or state or \
	     suggest) and not strike
test-san: ## commands and controller with sanitizers, through the tests that run them (root)
	$(Q)scripts/setup
	$(Q)SAN=1 O=$(O)-san UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 scripts/test unit netns -k '$(SAN_TESTS)'
soak: ## an hour of floods, changes, replacements and flaps; SOAK_S=seconds (root)
	$(Q)scripts/setup
	$(Q)FLOODWALL_SOAK_S=$(or $(SOAK_S),3600) scripts/test netns -k night
demo: ## a real server under a real flood, without and with the filter (root)
	$(Q)scripts/setup
	$(Q)$(MAKE) --no-print-directory all lab
	$(Q)scripts/demo
bench: ## measure against the budgets (root)
	$(Q)scripts/setup
	$(Q)scripts/bench
check: ## format, floors, contract, sizes, analysers
	$(Q)scripts/check
format: ## let clang-format decide
	$(Q)clang-format-14 -i $$(git ls-files '*.c' '*.h' | grep -v '^vmlinux.h$$')
fuzz: ## fuzz every parser, bounded
	$(Q)scripts/fuzz

clean: ## remove what was built
	rm -rf $(O)
help: ## this list
	@awk -F ':.*## ' '/^[a-z].*## / { printf "  %-22s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

-include $(USER_OBJ:.o=.d) $(O)/floodwall.bpf.d $(wildcard $(O)/tests/*/*.d)
