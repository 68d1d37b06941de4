"""Searches on public programs as they are, and full runs about each answer; prints the table.

    python bench/programs/run.py CHECKOUTS [PROGRAM...] [--stepsize PATH] [--python PATH]

CHECKOUTS is a folder with the repositories that README.md beside this file names, prepared as it
says. Nothing is fetched and no checkout is changed. Each program is searched with
`stepsize find` (its default budget), then run to its full length by `stepsize sweep` at the answer
and at four rates a factor of 3.2 apart, one seed. One line a program comes out, as a row of
Markdown; the searches' whole objects go to CHECKOUTS/results/PROGRAM.json.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

# Name: (folder to run in, full length, command, options of the search ...). {python} and {data} are
# filled in here ({bin} is where Python's own commands are); the rest is what a user types.
PROGRAMS = {
    "nanoGPT": (
        "nanoGPT",
        1000,
        "{python} train.py config/train_shakespeare_char.py --device=cpu --compile=False --eval_iters=10 "
        "--block_size=32 --batch_size=8 --n_layer=2 --n_head=2 --n_embd=32 --dropout=0.0 --max_iters={steps} "
        "--lr_decay_iters={steps} --out_dir={trial_dir} --learning_rate={lr:float}",
    ),
    "makemore": (
        "makemore",
        2000,
        "{python} makemore.py -i names.txt -o {trial_dir} --num-workers 0 --n-layer 2 --n-embd 32 --n-embd2 32 "
        "--batch-size 16 --seed {seed} --max-steps {steps} --learning-rate {lr}",
    ),
    "minGPT": (
        ".",
        400,
        "env PYTHONPATH=minGPT {python} minGPT/projects/adder/adder.py --system.seed={seed} "
        "--trainer.num_workers=0 --trainer.max_iters={steps} --trainer.learning_rate={lr}",
    ),
    "fastText": (
        "fastText",
        5,
        "./fasttext skipgram -input {data}/fasttext.txt -output {trial_dir}/v -dim 30 -ws 3 -thread 1 "
        "-epoch {steps} -lr {lr}",
    ),
    "GloVe": (
        "GloVe",
        15,
        "build/glove -save-file {trial_dir}/v -threads 1 -input-file {data}/cooccurrence.shuf.bin -x-max 10 "
        "-iter {steps} -vector-size 50 -binary 2 -vocab-file {data}/vocab.txt -verbose 2 -seed {seed} -eta {lr}",
    ),
    "word_language_model": (
        "examples/word_language_model",
        12,
        "{python} main.py --data {data}/words --model LSTM --emsize 32 --nhid 32 --nlayers 1 --dropout 0 "
        "--log-interval 20 --epochs {steps} --seed {seed} --save {trial_dir}/m.pt --lr {lr}",
    ),
    "TCN-adding": (
        "TCN/TCN/adding_problem",
        10,
        "{python} add_test.py --cuda --batch_size 250 --seq_len 20 --levels 3 --nhid 8 --ksize 3 --log-interval 50 "
        "--epochs {steps} --seed {seed} --lr {lr}",
    ),
    "TCN-copy": (
        "TCN/TCN/copy_memory",
        10,
        "{python} copymem_test.py --cuda --blank_len 20 --levels 3 --nhid 8 --batch_size 128 --log-interval 20 "
        "--epochs {steps} --seed {seed} --lr {lr}",
    ),
    "LIBMF": (
        "libmf/demo",
        40,
        "../mf-train -f 0 -l2 0.05 -k 16 -s 1 -t {steps} -r {lr} -p real_matrix.te.txt real_matrix.tr.txt {trial_dir}/m",
    ),
    "chargpt": (
        "chargpt",
        1000,
        "env PYTHONPATH=../minGPT {python} ../minGPT/projects/chargpt/chargpt.py --model.model_type=None "
        "--model.n_layer=2 --model.n_head=2 --model.n_embd=32 --data.block_size=32 --trainer.batch_size=16 "
        "--trainer.num_workers=0 --system.seed={seed} --trainer.max_iters={steps} --trainer.learning_rate={lr}",
    ),
    "partial_fit": (
        ".",
        40,
        "{python} {here}/partial_fit.py --epochs {steps} --lr {lr} --seed {seed}",
    ),
    "pygcn": (
        "pygcn/pygcn",
        200,
        "env PYTHONPATH=.. {python} train.py --no-cuda --epochs {steps} --seed {seed} --lr {lr}",
    ),
    "cleanrl-ppo": (
        ".",
        40000,
        "{python} cleanrl/cleanrl/ppo.py --no-cuda --total-timesteps {steps} --seed {seed} --learning-rate {lr}",
    ),
    "libFM": (
        "libfm",
        60,
        "bin/libFM -task r -train {data}/ratings.train -test {data}/ratings.test -dim 1,1,8 -method sgd "
        "-regular 0,0,0.01 -iter {steps} -seed {seed} -learn_rate {lr}",
    ),
    "libFM-classes": (
        "libfm",
        60,
        "bin/libFM -task c -train {data}/classes.train -test {data}/classes.test -dim 1,1,8 -method sgd "
        "-regular 0,0,0.01 -iter {steps} -seed {seed} -learn_rate {lr}",
    ),
    "libffm": (
        "libffm",
        15,
        "./ffm-train -t {steps} -r {lr} -p {data}/clicks.test {data}/clicks.train {trial_dir}/m",
    ),
    "KANN-mlp": (
        "kann",
        50,
        "examples/mlp -M -s {seed} -m {steps} -r {lr} {data}/digits_x.knd {data}/digits_y.knd",
    ),
    "KANN-ae": (
        "kann",
        50,
        "examples/ae -s {seed} -m {steps} -r {lr} {data}/digits_x.knd",
    ),
    "KANN-vae": (
        "kann",
        50,
        "examples/vae -s {seed} -m {steps} -r {lr} {data}/digits_x.knd",
    ),
    "word2vec": (
        "word2vec",
        5,
        "./word2vec -train {data}/words.txt -output {trial_dir}/v -threads 1 -size 30 -iter {steps} -alpha {lr}",
    ),
    "rnnlm": (
        "rnnlm",
        12,
        "./rnnlm -train {data}/lm.train -valid {data}/lm.valid -rnnlm {trial_dir}/m -hidden 15 -alpha {lr}",
    ),
    "StarSpace": (
        "StarSpace",
        15,
        "./starspace train -trainFile {data}/labels.train -model {trial_dir}/m -label __label__ -thread 1 -dim 20 "
        "-validationFile {data}/labels.valid -epoch {steps} -lr {lr}",
    ),
    "HNN-spring": (
        "hamiltonian-nn",
        1000,
        "{python} experiment-spring/train.py --verbose --hidden_dim 100 --total_steps {steps} --print_every 50 "
        "--seed {seed} --save_dir {trial_dir} --learn_rate {lr}",
    ),
    "Pyro-minipyro": (
        "pyro",
        1001,
        "{python} examples/minipyro.py -n {steps} -lr {lr}",
    ),
    "Pyro-eight-schools": (
        "pyro",
        2000,
        "{python} examples/eight_schools/svi.py --num-epochs {steps} --lr {lr}",
    ),
    "spaCy-tagger": (
        "spacy",
        200,
        "{python} -m spacy train config.cfg --paths.train {data}/train.spacy --paths.dev {data}/dev.spacy "
        "--training.max_steps {steps} --training.eval_frequency 20 --training.seed {seed} "
        "--components.tok2vec.model.encode.width 16 --components.tok2vec.model.encode.depth 1 "
        "--training.optimizer.learn_rate {lr} --output {trial_dir}",
    ),
    "mnist": (
        "examples/mnist",
        8,
        "{python} main.py --no-accel --batch-size 64 --epochs {steps} --seed {seed} --lr {lr}",
    ),
    "mnist-rnn": (
        "examples/mnist_rnn",
        8,
        "{python} main.py --epochs {steps} --seed {seed} --lr {lr}",
    ),
    "siamese": (
        "examples/siamese_network",
        8,
        "{python} main.py --no-accel --epochs {steps} --seed {seed} --lr {lr}",
    ),
    "forward-forward": (
        "examples/mnist_forward_forward",
        200,
        "{python} main.py --no_accel --train_size 1000 --epochs {steps} --seed {seed} --lr {lr}",
    ),
    "hogwild": (
        "examples/mnist_hogwild",
        8,
        "{python} main.py --epochs {steps} --seed {seed} --lr {lr}",
    ),
    "gat": (
        "examples/gat",
        200,
        "{python} main.py --no-accel --hidden-dim 16 --num-heads 2 --epochs {steps} --seed {seed} --lr {lr}",
    ),
    "super-resolution": (
        "examples/super_resolution",
        10,
        "{python} main.py --upscale_factor 4 --batchSize 4 --threads 0 --nEpochs {steps} --seed {seed} --lr {lr}",
    ),
    "pykeen": (
        ".",
        60,
        "{python} -m pykeen.cli train transe --device cpu --dataset nations -n {steps} --random-seed {seed} "
        "--learning-rate {lr}",
    ),
    "chemprop": (
        ".",
        20,
        "{bin}/chemprop train -i {data}/molecules.csv -t regression --accelerator cpu --num-workers 0 "
        "--warmup-epochs 1 --epochs {steps} --pytorch-seed {seed} --max-lr {lr} -o {trial_dir}",
    ),
    "lecun1989": (
        "lecun",
        23,
        "{python} ../lecun1989-repro/repro.py -o {trial_dir} -l {lr}",
    ),
    "zaremba": (
        "small_ptb",
        12,
        "{python} ../zaremba/main.py --device cpu --hidden_size 64 --layer_num 1 --dropout 0 "
        "--total_epochs {steps} --learning_rate {lr}",
    ),
    "Wapiti": (
        "Wapiti",
        40,
        "./wapiti train -a sgd-l1 -i {steps} --eta0 {lr} -d dat/nptest.txt -p dat/nppattern.txt dat/nptrain.txt "
        "{trial_dir}/m",
    ),
    "tiny-dnn": (
        "tiny-dnn",
        12,
        "./mnist_train --data_path {data}/mnist --backend_type internal --epochs {steps} --learning_rate {lr}",
        "--regex", "([0-9]+)/100", "--maximize",
    ),
    "Weka-MLP": (
        ".",
        60,
        "java -cp weka.jar weka.classifiers.functions.MultilayerPerceptron -t {data}/digits.arff "
        "-T {data}/digits_test.arff -o -S {seed} -N {steps} -L {lr}",
    ),
    "xLearn-LR": (
        "xlearn",
        40,
        "env USER=me build/xlearn_train {data}/x.train -s 0 -v {data}/x.test --dis-es -m {trial_dir}/m -e {steps} -r {lr}",
    ),
    "xLearn-FM": (
        "xlearn",
        40,
        "env USER=me build/xlearn_train {data}/x.train -s 1 -v {data}/x.test --dis-es -m {trial_dir}/m -e {steps} -r {lr}",
    ),
    "TransE": (
        "Fast-TransX",
        200,
        "transE/transE -input {data}/grid/ -output {trial_dir}/ -size 20 -thread 1 -nbatches 10 -epochs {steps} -alpha {lr}",
        "--regex", "epoch (?<epoch>[0-9]+) (?<loss>[0-9.]+)",
    ),
    "vowpal-wabbit": (
        ".",
        20,
        "{python} -m vowpalwabbit -d {data}/digits.vw --oaa 10 --passes {steps} --cache_file {trial_dir}/c -k "
        "--random_seed {seed} -l {lr}",
    ),
}


def stepsize(args, folder, *words):
    """One call of the command line; its JSON object. Exit code 3 is a refusal."""
    done = subprocess.run([args.stepsize, *words], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 3):
        sys.exit(f"{shlex.join(words)}\nended with code {done.returncode}:\n{done.stderr[-2000:]}")
    notes = [line for line in done.stderr.splitlines() if line.startswith("note: ")]
    return json.loads(done.stdout), notes


def row(args, name):
    """The row of one program."""
    where, steps, command, *options = PROGRAMS[name]
    folder = args.checkouts / where
    filled = {"{python}": args.python, "{bin}": str(Path(args.python).parent), "{data}": str(args.checkouts / "data"), "{here}": str(Path(__file__).resolve().parent)}
    words = command.split()
    for name_of, value in filled.items():
        words = [word.replace(name_of, value) for word in words]
    found, notes = stepsize(args, folder, "find", "--json", "--steps", str(steps), "--seed", str(args.seed), *options, "--", *words)
    results = {"command": command, "steps": steps, "find": found, "notes": notes}
    runs = []
    if found["lr"]:
        ends = [f"{found['lr'] * times:.6g}" for times in (0.1, 10)]
        swept, _ = stepsize(
            args, folder, "sweep", "--json", "--steps", str(steps), "--per-decade", "2", "--seeds", "1", "--seed",
            str(args.seed + 100), "--low", ends[0], "--high", ends[1], *options, "--", *words,
        )
        results["sweep"] = swept
        runs = sorted((p["lr"], None if p["diverged"] else p["loss"]) for p in swept["points"])
    (args.checkouts / "results").mkdir(exist_ok=True)
    (args.checkouts / "results" / f"{name}.json").write_text(json.dumps(results, indent=1))
    answer = f"{found['lr']:.3g}" if found["lr"] else f"refused: {found['why']}"
    interval = f"{found['low']:.3g} .. {found['high']:.3g}" if found["low"] else ""
    losses = ", ".join("diverged" if loss is None else f"{loss:.4g}" for _, loss in runs)
    return f"| {name} | {steps} | {answer} | {interval} | {found['cost_runs']:.2f} | {losses} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkouts", type=Path)
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", help=f"some of {', '.join(PROGRAMS)}")
    parser.add_argument("--stepsize", default="stepsize")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_intermixed_args()
    unknown = [name for name in args.programs if name not in PROGRAMS]
    if unknown:
        parser.error(f"unknown program {unknown[0]}; there are {', '.join(PROGRAMS)}")
    args.checkouts = args.checkouts.resolve()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    print("| program | full run | answer | 80 % interval | cost, runs | losses at 0.1, 0.32, 1, 3.2 and 10 times it |")
    print("|---|---|---|---|---|---|")
    for name in args.programs or PROGRAMS:
        print(row(args, name), flush=True)


if __name__ == "__main__":
    main()
