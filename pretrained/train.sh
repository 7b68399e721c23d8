#!/usr/bin/env bash
# Make every model in this folder from its corpus: the sweep, the trainings, the publishing, the evidence on units.
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

# The sentiment neuron (Radford 2017), of subwords. The units of a minLSTM are sums that each forget at a pace of their own,
# and their gates see the input alone: of what was tried they alone keep a verdict to the end of a review (see
# docs/decisions/0014). The state is carried through each of 16 shards; every text is later read from its start, so a few
# streams, drawn at each update, begin anew. A larger share of the text held out would only cost time.
reviews() { # NAME UNITS STEPS
    train "$1" imdb --vocabulary subwords --cell min-lstm --layers 2 --units "$2" --embedding "$2" --tied --clip 0.5 \
        --chrono 2000 --fresh 0.05 --dropout 0 --weight-decay 0 --decay linear --learning-rate 0.01 --batch 16 --length 256 \
        --steps "$3" --validation 0.002 --test 0.005 --validate-every 500 --probe pretrained/probes/imdb.txt \
        --probe-every 500 --precision float32 --threads 2
}

# The same at other widths, in an eleventh of the updates: what a wider model brings.
widths() {
    for width in 64 128 256 384; do reviews "widths/$width" "$width" 400; done
}

translator() { # NAME PAIRS OPTIONS...
    local name=$1 pairs=$2
    shift 2
    rnncore translate train "$pairs" --folder "$runs/$name" --resume --threads 1 "$@"
}

# The same with attention and without: dates in seven languages to ISO 8601.
dates() { # NAME ATTENTION
    translator "$1" dates --tokens characters --attention "$2" --units 128 --embedding 64 --dropout 0.1 --steps 3000 \
        --learning-rate 0.004 --validate-every 250 --probe pretrained/probes/dates.txt
}

captions() { # NAME ATTENTION
    translator "$1" multi30k-de-en --attention "$2" --units 512 --embedding 256 --dropout 0.4 --smoothing 0.1 \
        --vocabulary 4000 --batch 128 --steps 3600 --learning-rate 0.002 --validate-every 200 --precision bfloat16 \
        --probe pretrained/probes/multi30k-de-en.txt
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
        reviews-minlstm) reviews reviews-minlstm 384 4400 ;;
        widths) widths ;;
        dates-attention) dates dates-attention additive ;;
        dates-bottleneck) dates dates-bottleneck none ;;
        multi30k-de-en) captions multi30k-de-en additive ;;
        multi30k-de-en-bottleneck) captions multi30k-de-en-bottleneck none ;;
        *) echo "no model '$1'" >&2; exit 2 ;;
    esac
    case $1 in
        sweep) return ;;
        widths)
            python benchmarks/sentiment_scaling.py "$runs"/widths/* --precision float32
            return
            ;;
        dates-* | multi30k-*)
            python pretrained/publish_translator.py "$runs/$1" "$1"
            return
            ;;
        shakespeare-*)
            python pretrained/publish.py "$runs/$1" "$1" --sweep pretrained/sweep.json \
                --baseline "nanoGPT, 10.6M parameters=1.4697"
            ;;
        *) python pretrained/publish.py "$runs/$1" "$1" ;;
    esac
    rnncore units "$1" --out "pretrained/$1/units"
    if [ "$1" = reviews-minlstm ]; then
        rnncore sentiment "$1" --transfer sst --length 80 --out "pretrained/$1/sentiment"
        python pretrained/publish_sentiment.py "$1"
    fi
}

all="sweep shakespeare-lstm shakespeare-gru shakespeare-elman linux-lstm latex-lstm warpeace-lstm reviews-minlstm"
all="$all dates-attention dates-bottleneck multi30k-de-en multi30k-de-en-bottleneck"

for model in "${@:-$all}"; do
    for name in $model; do make "$name"; done
done
