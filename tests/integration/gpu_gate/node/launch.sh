#!/bin/bash
# Behaves like DSMLP's launcher according to its documentation, with processes for pods: messages on stderr, Pending until
# a GPU is free, the pod's output with a terminal's line ends, the pod deleted at the end, and always exit code 0.
state=$(cd "$(dirname "$0")/.." && pwd)
while [ $# -gt 0 ]; do
    case $1 in
        -i) image=$2; shift 2 ;;
        -N) name=$2; shift 2 ;;
        -l) class=${2#gpu-class=}; shift 2 ;;
        -g | -c | -m | -W | -P) shift 2 ;;
        -f) shift ;;
        --) shift; break ;;
        *) echo "illegal option $1" >&2; exit 2 ;;
    esac
done
say() { echo "$(date) $*" >&2; }
pod=$state/pods/$name
cleanup() { kubectl delete pod "$name" --ignore-not-found --wait=false >&2; }
trap cleanup EXIT
trap 'exit 0' INT
say "Submitting job $name"
mkdir "$pod" || exit 1
echo Pending >"$pod/phase"
echo "$image" >"$state/home/launched-$name"
echo "$K8S_TIMEOUT_SECONDS" >>"$state/home/launched-$name"
echo "pod/$name created" >&2
until [ "$class" = small ]; do # there are no other GPUs, so the pod is never scheduled
    say "INFO starting up - pod status: Pending ; 0/9 nodes are available: 9 node(s) had untolerated taint(s)"
    sleep 0.2
done
say "INFO pod assigned to node: its-dsmlp-n28.ucsd.edu"
# shellcheck disable=SC2016
env -i PATH="$state/pod-bin:/usr/bin:/bin" HOME="$pod" TMPDIR="$pod" setsid bash -c '
    echo $$ >"$0/pid"; echo Running >"$0/phase"; "$@" 2>&1 | sed -u "s/$/\r/" >"$0/log"; touch "$0/over"
' "$pod" "$@" &
until [ -e "$pod/log" ]; do sleep 0.05; done
say "INFO $image is now active."
kubectl logs -f "$name"
exit 0
