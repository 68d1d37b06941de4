# The command line itself on a cluster that is up: sourced by `inside`. $stepsize: the binary.

wrong() {
    echo "FAILED: $*" >&2
    exit 1
}

# A curve with its best rate at 0.1 that tells when it began; about three seconds, so that a kill meets some under way.
train='echo "$STEPSIZE_TRIAL" >>"$PWD/begun"
[ -z "$CUDA_VISIBLE_DEVICES" ] || echo "$CUDA_VISIBLE_DEVICES" >>"$PWD/gpus"
for part in 1 2 3 4; do
    sleep 0.7
    awk -v lr="$1" -v n="$2" -v p=$part "BEGIN { d = log(lr / 0.1); printf \"step %d val_loss %.6f\\n\", p * n / 4, 0.1 + 0.05 * d * d + 1 / p }"
done'

# Numbers of the trials that have ended, from an export.
ended() { "$stepsize" export line 2>/dev/null | sed -n 's/.*"event":"ended","trial":\([0-9]*\).*/\1/p' | sort -n; }

# $1: what --on takes.
line_on() {
    local on=$1 dir=$place/line-${1%%:*} pid before after text
    mkdir -p "$dir"
    cd "$dir"
    printf '%s\n' "$train" >train.sh

    # doctor: well, and each of the two things that a node of two processors and one GPU cannot give.
    text=$("$stepsize" doctor --on "$on") || wrong "doctor --on $on: $text"
    echo "$text"
    for what in cluster slots job directory clock; do
        grep -q "^ok    $what" <<<"$text" || wrong "doctor --on $on says nothing of $what"
    done
    [ ! -e stepsize-trials ] || wrong "doctor left $(ls stepsize-trials) behind"
    for much in "--cpus 64" "--gpus-per-run 2"; do
        # shellcheck disable=SC2086
        if text=$("$stepsize" doctor --on "$on" $much); then wrong "doctor finds room for $much: $text"; fi
        grep -q "^FIX   slots" <<<"$text" || wrong "doctor $much: $text"
    done

    # find, killed when some trials have ended and others run, then `resume`: nothing lost, nothing run twice.
    "$stepsize" find --probe grid --low 0.01 --high 1 --on "$on" --poll 1s --study line --steps 40 -- sh train.sh '{lr}' '{steps}' >killed.out 2>&1 &
    pid=$!
    for _ in $(seq 600); do [ "$(ended | wc -l)" -ge 3 ] && break; sleep 0.1; done
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null || true
    before=$(ended)
    [ "$(wc -l <<<"$before")" -ge 3 ] || wrong "no three trials in a minute: $(cat killed.out)"
    (cd / && "$stepsize" resume line --db "$dir/stepsize.db" --json) >answer.json 2>resumed.err || wrong "resume: $(cat resumed.err)"
    grep -Eq '"lr": ?0\.(1|1000000|09999999)[0-9]*,' answer.json || wrong "the answer is not 0.1: $(cat answer.json)"
    after=$(ended)
    [ "$(uniq -d <<<"$after")" = "" ] && [ "$(comm -23 <(sort <<<"$before") <(sort <<<"$after"))" = "" ] || wrong "ends before $before, after $after"
    # What ran at the kill was taken up: each trial began once.
    [ "$(sort begun | uniq -d)" = "" ] && [ "$(sort -u begun | wc -l)" = "$(wc -l <<<"$after")" ] || wrong "begun: $(sort -n begun | tr '\n' ' ')"

    # The full run at the answer is a cluster job of its own: submitted, and running when the search
    # has ended.
    "$stepsize" find --probe grid --low 0.01 --high 1 --on "$on" --poll 1s --study then --then-run --steps 40 -- sh train.sh '{lr}' '{steps}' \
        >then.out 2>then.err || wrong "--then-run: $(cat then.out then.err)"
    grep -q "the full run at lr 0.1 was submitted: " then.out || wrong "--then-run submitted nothing: $(cat then.out)"
    "$stepsize" show then | grep -q "was submitted: " || wrong "the study does not know of its full run"
    text=$(echo stepsize-trials/stepsize-full-run-1/*/job)
    for _ in $(seq 300); do [ -e "$text/exit" ] && break; sleep 0.2; done
    [ "$(cat "$text/exit")" = 0 ] || wrong "the full run did not end well: $(find stepsize-trials/stepsize-full-run-1)"
    # It belongs to no search: a second one has a directory of its own, and the study is over.
    [ "$("$stepsize" export then | grep -c '"event":"ended"')" = "$("$stepsize" export then | grep -c '"event":"started"')" ] ||
        wrong "the full run was taken for a trial"

    # The live page where the search was started, while its trials are cluster jobs.
    "$stepsize" find --probe grid --low 0.01 --high 1 --on "$on" --poll 1s --study seen --live --live-port 0 --steps 40 -- sh train.sh '{lr}' '{steps}' \
        >live.out 2>live.err &
    pid=$!
    for _ in $(seq 600); do grep -q '^live page: open ' live.err && break; sleep 0.1; done
    text=$(sed -n 's/^live page: open \(.*\)\/study\/.*/\1/p' live.err)
    for _ in $(seq 600); do curl -sf "$text/api/study/seen" >seen.json && grep -q 'trial' seen.json && break; sleep 0.1; done
    kill -0 "$pid" || wrong "the search ended before its page was read: $(cat live.err)"
    curl -sf "$text/study/seen" | grep -qi '<html' || wrong "no page at $text/study/seen"
    curl -sfN "$text/api/study/seen/events" >events || true # until the search has ended, and the server with it
    wait "$pid" || wrong "--live: $(cat live.err)"
    grep -q '^event: parts' events || wrong "the page was sent no change: $(head -c 300 events)"

    # One GPU a run, of which there is one. Three rates with one seed are little evidence: exit 3 is as good as 0.
    rm -f begun gpus
    "$stepsize" sweep --on "$on" --gpus-per-run 1 --poll 1s --steps 40 --low 0.01 --high 1 --per-decade 1 --seeds 1 -- sh train.sh '{lr}' '{steps}' \
        >gpu.out 2>&1 || [ $? -eq 3 ] || wrong "a GPU a run: $(cat gpu.out)"
    [ "$(sort gpus | uniq -c | tr -s ' ')" = " 3 0" ] || wrong "each of three runs had GPU 0, says $(cat gpus)"

    # Words for sbatch reach it.
    if [ "$on" = slurm ]; then
        "$stepsize" sweep --on slurm --submit-arg=--comment=from-here --poll 1s --steps 40 --low 0.01 --high 1 --per-decade 1 --seeds 1 -- \
            sh train.sh '{lr}' '{steps}' >words.out 2>&1 || [ $? -eq 3 ] || wrong "--submit-arg: $(cat words.out)"
        [ "$(squeue -h --states=all -o %k | grep -c from-here)" = 3 ] || wrong "the comment did not reach Slurm"
        if "$stepsize" sweep --on slurm --submit-arg=--partition=none-such --steps 40 -- sh train.sh '{lr}' '{steps}' >words.out 2>&1; then
            wrong "a partition that is not there was taken"
        fi
        grep -q "slurm refused its cluster job.*partition" words.out || wrong "a refused job says: $(cat words.out)"
    fi
    cd "$place"
    echo "$on: doctor, a kill and resume, GPUs and arguments hold"
}
