#!/usr/bin/env bash
# Make every model in this folder from its corpus: the sweep, the trainings, the publishing.
# A training that was interrupted goes on where it stopped when this is run again.
#
#     pretrained/train.sh                      all
#     pretrained/train.sh shakespeare-lstm     one
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RNNCORE_RUNS:-runs}

train() { # NAME CORPUS OPTIONS...
    local name=$1 corpus=$2
    shift 2
    rnncore train "$corpus" --folder "$runs/$name" --resume --threads 1 --batch 64 --length 128 --precision bfloat16 "$@"
}

# Three recurrences with the same number of weights within 2 %, on the same windows in the same order.
declare -A units=([lstm]=256 [gru]=296 [elman]=516)

# Each tries doubling learning rates on a short training (5 epochs). The best is used for the long one, unless it
# ends there above its own short training, as the tanh RNN's did: then the next smaller. Figures: sweep.json.
sweep() {
    for cell in "${!units[@]}"; do
        for rate in 0.001 0.002 0.004 0.008 0.016 0.032; do
            train "sweep/$cell-$rate" shakespeare --cell "$cell" --units "${units[$cell]}" --steps 600 \
                --validate-every 300 --learning-rate "$rate"
        done
    done
}

shakespeare() { # CELL RATE
    train "shakespeare-$1" shakespeare --cell "$1" --units "${units[$1]}" --dropout 0.25 --steps 3000 \
        --learning-rate "$2" --validate-every 100 --probe pretrained/probes/shakespeare.txt --probe-every 100
}

large() { # NAME CORPUS STEPS
    train "$1" "$2" --cell lstm --units 512 --dropout 0.1 --validation 0.05 --test 0.05 --steps "$3" \
        --learning-rate 0.008 --validate-every 200 --probe "pretrained/probes/$2.txt" --probe-every 200
}

# Karpathy, Johnson & Li (2015): bytes, and char-rnn's split.
warpeace() {
    train warpeace-lstm warpeace --vocabulary bytes --cell lstm --units 512 --dropout 0.25 --validation 0.1 --test 0.1 --passages 100 \
        --length 100 --batch 80 --steps 5000 --learning-rate 0.008 --validate-every 200 \
        --probe pretrained/probes/warpeace.txt --probe-every 200
}

make() {
    case $1 in
        sweep) sweep ;;
        shakespeare-lstm) shakespeare lstm 0.016 ;;
        shakespeare-gru) shakespeare gru 0.008 ;;
        shakespeare-elman) shakespeare elman 0.004 ;;
        linux-lstm) large linux-lstm linux 5000 ;;
        latex-lstm) large latex-lstm latex 2200 ;;
        warpeace-lstm) warpeace ;;
        *) echo "no model '$1'" >&2; exit 2 ;;
    esac
    case $1 in
        sweep) ;;
        shakespeare-*)
            python pretrained/publish.py "$runs/$1" "$1" --sweep pretrained/sweep.json \
                --baseline "nanoGPT, 10.6M parameters=1.4697"
            ;;
        *) python pretrained/publish.py "$runs/$1" "$1" ;;
    esac
}

for model in "${@:-sweep shakespeare-lstm shakespeare-gru shakespeare-elman linux-lstm latex-lstm warpeace-lstm}"; do
    for name in $model; do make "$name"; done
done
