#!/usr/bin/env bash
# Fetches the source trees of internal/secret/testdata/real with the ordinary
# clients (apt-get source and download, go mod download, npm pack) and copies
# the files that have labels to the folder $1. A tree that is not to be had is
# named and left out. The sources come from where this machine's packages do.
set -u
out=$(realpath -m "$1")
tables=$(dirname "$0")/../internal/secret/testdata/real
tables=$(realpath "$tables")
work=$(mktemp -d "${TMPDIR:-/tmp}/assay-trees.XXXX")
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/get" "$out"
keys=/usr/share/keyrings/debian-archive-keyring.gpg
apt-get indextargets --format '$(ORIGIN) $(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null |
	awk -v k="$keys" '$1 == "Debian" && $4 == "main" && $3 !~ /-/ {print "deb-src [signed-by=" k "] " $2 " " $3 " main"}' | sort -u >"$work/sources"
cat >"$work/conf" <<EOF
Dir::Etc::sourcelist "$work/sources";
Dir::Etc::sourceparts "-";
Dir::State::lists "$work/lists";
Dir::Cache "$work/cache";
APT::Sandbox::User "root";
EOF
APT_CONFIG=$work/conf apt-get update -q >"$work/log" 2>&1 || tail -3 "$work/log" >&2
got=0
while IFS=$'\t' read -r tree how version; do
	case $tree in '#'* | '') continue ;; esac
	dir=$work/get/$tree
	mkdir -p "$dir"
	(
		cd "$dir" || exit 1
		case $how in
		src)
			APT_CONFIG=$work/conf apt-get source -q --download-only --only-source "$tree=$version" ||
				APT_CONFIG=$work/conf apt-get source -q --download-only --only-source "$tree" || exit 1
			dpkg-source --no-check -x ./*.dsc x
			;;
		deb) apt-get download "$tree" && dpkg-deb -x ./*.deb x ;;
		go) cp -r "$(go mod download -json "$version" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')" x ;;
		npm) npm pack --silent "$version" && mkdir x && tar xzf ./*.tgz -C x ;;
		esac
	) >"$work/log" 2>&1 || { echo "not to be had: $tree $version" >&2; continue; }
	mkdir -p "$out/$tree"
	(cd "$dir/x" && awk -F'\t' -v t="$tree" '$2 == t {print $3}' "$tables/labels.tsv" | sort -u | xargs -d '\n' cp --parents -t "$out/$tree" 2>/dev/null)
	got=$((got + 1))
	chmod -R u+w "$dir"
	rm -rf "$dir"
done <"$tables/trees.tsv"
echo "$got trees in $out" >&2
