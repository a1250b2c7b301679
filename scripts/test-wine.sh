#!/bin/bash
# A smoke test of the Windows build under wine: inspect and clean C:\ and the Win32 calls
# that wine has. Wine is no Windows: it has no SAM, its registry is text, and each
# file costs it milliseconds, so that the whole takes some minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
for tool in wine wineboot x86_64-w64-mingw32-gcc; do
	command -v "$tool" >/dev/null || { echo "test-wine: skipped, there is no $tool (apt-get install wine wine64 gcc-mingw-w64-x86-64-win32)"; exit 0; }
done
tmp=$(mktemp -d)
GOMODCACHE=$(${GO:-go} env GOMODCACHE) GOCACHE=$(${GO:-go} env GOCACHE) # kept, though HOME changes
export GOMODCACHE GOCACHE
export WINEPREFIX=$tmp/prefix WINEDEBUG=-all HOME=$tmp/home
trap 'wineserver -k 2>/dev/null || true; rm -rf "$tmp"' EXIT
mkdir -p "$HOME"
timeout 200 wineboot -i >/dev/null 2>&1
find "$WINEPREFIX/drive_c" -type l -delete # they lead to the host's files
# wine before 9 lacks the library that Go takes random bytes from
if [ ! -e "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll" ]; then
	cat >"$tmp/shim.c" <<-'C'
	#include <windows.h>
	BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
	__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE b, SIZE_T n) { return SystemFunction036(b, (ULONG)n); }
	C
	x86_64-w64-mingw32-gcc -shared -o "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll" "$tmp/shim.c" -ladvapi32
fi
mkdir -p "$WINEPREFIX/drive_c/windows/system32/config" # by which Windows is known; wine keeps its registry elsewhere
user=$(ls "$WINEPREFIX/drive_c/users" | grep -v Public | head -1)
mkdir -p "$WINEPREFIX/drive_c/users/$user/.ssh"
history="$WINEPREFIX/drive_c/users/$user/AppData/Roaming/Microsoft/Windows/PowerShell/PSReadLine/ConsoleHost_history.txt"
mkdir -p "${history%/*}"
echo 'net user ops planted' >"$history"
openssl genrsa -traditional 2048 2>/dev/null >"$WINEPREFIX/drive_c/users/$user/.ssh/id_rsa"
GOOS=windows GOARCH=amd64 ${GO:-go} build -o "$tmp/assay.exe" ./cmd/assay
status=0
timeout 1200 wine "$tmp/assay.exe" inspect 'C:\' >"$tmp/out" 2>"$tmp/err" || status=$?
if [ $status -ne 3 ] || ! grep -qi 'users/[^"]*/\.ssh/id_rsa' "$tmp/out"; then
	cat "$tmp/out" "$tmp/err"
	echo "test-wine: inspect C:\\ ended with $status, or does not tell of the planted key"
	exit 1
fi
# Cleaning: Sysprep is not there, which is told before anything is changed; then
# the live clean itself, as far as a Windows without SAM and hives goes.
status=0
timeout 600 wine "$tmp/assay.exe" clean 'C:\' --sysprep --yes --no-content >"$tmp/out" 2>"$tmp/err" || status=$?
if [ $status -ne 1 ] || ! grep -q 'there is no Sysprep in it' "$tmp/err" || [ ! -s "$history" ]; then
	cat "$tmp/out" "$tmp/err"
	echo "test-wine: clean C:\ --sysprep ended with $status, or changed something, or does not say why not"
	exit 1
fi
status=0
timeout 600 wine "$tmp/assay.exe" clean 'C:\' --for-image --yes --no-content >"$tmp/out" 2>"$tmp/err" || status=$?
if [ $status -ne 3 ] || ! grep -q 'Credential Manager' "$tmp/out" || [ -s "$history" ]; then
	cat "$tmp/out" "$tmp/err"
	echo "test-wine: clean C:\ ended with $status, or left the planted history"
	exit 1
fi
GOOS=windows GOARCH=amd64 ${GO:-go} test -exec wine ./internal/winapi
# the others are about links and Unix modes, which wine does not have
GOOS=windows GOARCH=amd64 ${GO:-go} test -exec wine -run Walk ./internal/fsys/hostfs
echo "test-wine: ok"
