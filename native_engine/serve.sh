#!/bin/sh
# Runs the engine as the first process of a PID and mount namespace of its own (`unshare --mount --pid --fork`), so that
# whatever way it ends, its processes and mounts end with it, and nothing outside PREFIX is written on the machine.
# usage: serve.sh PREFIX ENGINE-ARGUMENTS…
set -eu
prefix=$1
shift

# The engine replaces files of /etc (resolv.conf, its own configuration) and /usr/bin (iptables), and keeps fixed names
# below /run: they go to layers in memory over the machine's own.
layers=$prefix/layers
mkdir -p "$layers"
mount -t tmpfs -o mode=0700 layers "$layers"
mkdir "$layers/prefix"
mount --bind "$prefix" "$layers/prefix"
for folder in /etc /usr/bin /run; do
	mkdir -p "$layers$folder/upper" "$layers$folder/work"
	mount -t overlay -o "lowerdir=$folder,upperdir=$layers$folder/upper,workdir=$layers$folder/work" layers "$folder"
done
mkdir -p /run/dagger /etc/dagger
mount --bind "$layers/prefix" /run/dagger
mount -t tmpfs lib /var/lib # CNI plugins keep the addresses they gave out below /var/lib/cni; they die with the engine
cp /run/dagger/engine.json /etc/dagger/engine.json
mkdir -p /run/cni
ln -sf /usr/lib/cni/* /run/dagger/bin/dnsname /run/cni/
ln -sf /usr/sbin/xtables-legacy-multi /usr/sbin/xtables-nft-multi /usr/bin/

ulimit -n "$(ulimit -Hn)"
cd /run/dagger
exec dagger-engine --config /run/dagger/none.toml --root /run/dagger/state --oci-cni-binary-dir /run/cni "$@"
