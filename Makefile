# assay. The two commands that matter: make demo, make test.
SHELL := /bin/bash
export CGO_ENABLED := 0
export GOFLAGS := -buildvcs=false
VERSION ?= $(shell git describe --tags --always 2>/dev/null || echo dev)
LDFLAGS := -s -w -buildid=
GO ?= go
# What the tests compare with. make test installs it when run as root on a
# Debian-like system and says what is missing otherwise.
TOOLS := qemu-utils e2fsprogs xfsprogs btrfs-progs dosfstools mtools ntfs-3g lvm2 mdadm fdisk gdisk parted \
	cryptsetup-bin util-linux mount rpm cpio sqlite3 openssh-server openssh-client openssl whois attr perl \
	zip unzip bzip2 xz-utils zstd lz4 gzip binutils systemd-journal-remote sudo debootstrap git chromium \
	chntpw libhivex-bin reglookup libfsntfs-utils libevtx-utils libvshadow-utils libregf-utils libwin-hivex-perl python3-impacket wimtools

.PHONY: build demo test tools race generate check fuzz soak bench-inspect bench-clean bench-windows bench-convert bench-secrets bench-policy test-boot test-wine test-clients bench-audit demo-cloud clean help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

build: ## bin/assay, static
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/assay ./cmd/assay

demo: build ## build a careless image without root, inspect it, write the HTML report
	@bash scripts/demo.sh

test: tools ## install what the tests need (as root), then run all of them
	@bash scripts/stock-root.sh
	$(GO) test -timeout 20m ./...

tools: ## install the tools that tests compare with, when root
	@bash scripts/tools.sh $(TOOLS)

generate: ## regenerate the lists of checks
	$(GO) generate ./...

check: ## gofmt, vet for all systems, generated files, staticcheck, govulncheck, reproducible build
	@bash scripts/check.sh

fuzz: ## fuzz every parser; FUZZTIME=2m each
	@bash scripts/fuzz.sh $(or $(FUZZTIME),2m)

soak: tools ## the slow tests as well: a million names, 50 kills, random trees and plans with many seeds
	ASSAY_SOAK=1 $(GO) test -timeout 40m -run 'Million|Killed' ./internal/e2e
	ASSAY_SOAK=1 $(GO) test -timeout 60m -run 'TestFixKilled' .
	ASSAY_SOAK=1 $(GO) test -timeout 60m -run 'Soak|Edit' ./internal/fsys/...

bench-inspect: build ## inspect beside find and cat on the kernel's mount (root); prints the table
	@bash scripts/bench-inspect.sh

bench-clean: build ## clean beside qemu-img convert and virt-sysprep; prints the table
	@bash scripts/bench-clean.sh

bench-windows: build ## clean a Windows image beside qemu-img convert (root); prints the table
	@bash scripts/bench-windows.sh

bench-convert: build ## the writers of images beside qemu-img convert; prints the table
	@bash scripts/bench-convert.sh

bench-secrets: build ## contents of real trees beside gitleaks; prints the table
	@bash scripts/bench-secrets.sh

demo-cloud: build ## audit, bind, prove and audit again a careless company on the double
	@bash scripts/demo-cloud.sh

clean: ## remove what make made
	rm -rf bin dist demo

# What test-boot needs besides.
BOOT_TOOLS := qemu-system-x86 extlinux

test-boot: build tools ## boot cleaned Debian images under qemu, log in with old and new keys (root, a mirror, 15 minutes)
	@bash scripts/tools.sh $(BOOT_TOOLS)
	@bash scripts/test-boot.sh

test-wine: ## the Windows build under wine: inspect C:\ and Win32 calls (minutes; skipped without wine)
	@bash scripts/test-wine.sh

bench-policy: ## policy decisions beside cedar-go and OPA, a module of its own
	cd bench/policy && $(GO) test -run '^$$' -bench Evaluate -benchmem .

test-clients: build ## the official SDKs for Go and Node.js, and the aliyun CLI where there is one, ask the double
	@bash scripts/test-clients.sh

bench-audit: build ## audit 10,000 images, 50,000 snapshots and 20,000 instances on the double; prints calls, CPU seconds and memory
	@bash scripts/bench-audit.sh
