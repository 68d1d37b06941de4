# Starts and ends a one-node Slurm and a Ray head for tests: sourced by `inside`, in a network namespace that has only `lo`.
# Everything started here is ended by its process number; nothing is ended by name.

place=${place:?a directory for the state of the clusters}
started=()

# The address of its own (TEST-NET-1, never routed) is for slurmctld, which resolves no name while only loopback has one.
loopback() {
    ip link set lo up
    ip addr add 192.0.2.1/32 dev lo 2>/dev/null || true
}

# No socket of this namespace listens off loopback.
assert_loopback() {
    local off
    off=$(ss -ltnH | awk '{print $4}' | grep -vE '^(127\.|\[::1\]:|\[::ffff:127\.)' || true)
    if [ -n "$off" ]; then
        echo "FAILED: $1 listens off loopback: $off" >&2
        return 1
    fi
    echo "$1: listens on loopback only ($(ss -ltnH | wc -l) sockets)"
}

# Ends processes by number: TERM, five seconds, KILL.
end() {
    local pid
    for pid in "$@"; do kill -TERM "$pid" 2>/dev/null || true; done
    for _ in $(seq 50); do
        local left=()
        for pid in "$@"; do if runs "$pid"; then left+=("$pid"); fi; done
        [ ${#left[@]} -eq 0 ] && return 0
        sleep 0.1
    done
    for pid in "${left[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
}

# A zombie does not run.
runs() { [ -r "/proc/$1/stat" ] && [ "$(sed 's/.*) \(.\).*/\1/' "/proc/$1/stat" 2>/dev/null)" != Z ]; }

# All descendants of a process, itself last.
family() {
    local child
    for child in $(cat "/proc/$1"/task/*/children 2>/dev/null); do family "$child"; done
    echo "$1"
}

end_all() {
    local pid all=()
    for pid in "${started[@]:-}"; do [ -n "$pid" ] && all+=($(family "$pid")); done
    [ ${#all[@]} -gt 0 ] && end "${all[@]}"
    started=()
}

slurm_start() {
    local dir=$place/slurm host
    host=$(hostname -s)
    mkdir -p "$dir"/{state,spool,munge}
    chmod 711 "$dir" "$dir/munge"
    head -c 128 /dev/urandom >"$dir/munge/key"
    chmod 400 "$dir/munge/key"
    cat >"$dir/slurm.conf" <<CONF
ClusterName=stepsize
SlurmctldHost=$host(127.0.0.1)
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$dir/munge/socket
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
AccountingStorageType=accounting_storage/none
MpiDefault=none
KillWait=3
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
GresTypes=gpu
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 Gres=gpu:1 State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
    echo "CgroupPlugin=cgroup/v1" >"$dir/cgroup.conf"
    # A GPU in name only: jobs are given its number.
    echo "NodeName=$host Name=gpu File=/dev/null" >"$dir/gres.conf"
    export SLURM_CONF=$dir/slurm.conf
    munged --force --foreground --key-file="$dir/munge/key" --socket="$dir/munge/socket" --pid-file="$dir/munge/pid" \
        --log-file="$dir/munge/log" --seed-file="$dir/munge/seed" >"$dir/munged.out" 2>&1 &
    started+=($!)
    for _ in $(seq 50); do [ -S "$dir/munge/socket" ] && break; sleep 0.1; done
    slurmctld_start
    slurmd -D -f "$SLURM_CONF" -N "$host" >"$dir/slurmd.out" 2>&1 &
    started+=($!)
    for _ in $(seq 100); do
        [ "$(timeout 2 sinfo -h -o %T 2>/dev/null)" = idle ] && return 0
        sleep 0.1
    done
    echo "FAILED: Slurm did not come up" >&2
    tail -n 20 "$dir"/*.out "$dir"/*.log >&2
    return 1
}

slurmctld_start() {
    slurmctld -D -f "$SLURM_CONF" >>"$place/slurm/slurmctld.out" 2>&1 &
    started+=($!)
    export STEPSIZE_TEST_SLURMCTLD=$!
}

# $1: the directory of Python with Ray.
ray_start() {
    local dir=$place/ray
    mkdir -p "$dir"
    export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0 RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0
    RAY_AUTH_TOKEN=$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')
    export RAY_AUTH_TOKEN
    (cd "$dir" && exec "$1/bin/ray" start --head --block --node-ip-address=127.0.0.1 --port=6379 --dashboard-host=127.0.0.1 --dashboard-port=8265 \
        --num-cpus=2 --num-gpus=1 --disable-usage-stats --temp-dir="$dir/tmp" --object-store-memory=100000000) >"$dir/out" 2>&1 &
    started+=($!)
    for _ in $(seq 300); do
        if "$1/bin/python" - <<'PY' 2>/dev/null; then return 0; fi
import json, os, urllib.request
def get(path):
    headers = {"Authorization": "Bearer " + os.environ["RAY_AUTH_TOKEN"]}
    return json.load(urllib.request.urlopen(urllib.request.Request("http://127.0.0.1:8265" + path, headers=headers), timeout=2))
get("/api/jobs/")
# The dashboard answers some seconds before it knows its own processors.
assert get("/api/cluster_status")["data"]["clusterStatus"]["loadMetricsReport"]["usage"]["CPU"][1] >= 2
PY
        sleep 0.3
    done
    echo "FAILED: Ray did not come up" >&2
    tail -n 30 "$dir/out" >&2
    return 1
}
