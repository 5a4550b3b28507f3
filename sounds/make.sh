#!/usr/bin/env bash
# Makes the prompts of sounds/en from en.txt and tones.txt.
#
#   sounds/make.sh            makes all of them
#   sounds/make.sh NAME...    makes those prompts again
#
# Needs Debian's festival, festvox-us-slt-hts and sox. Each prompt becomes mono
# WAV at 16 kHz and 16 bits: silence cut away at both ends and replaced by
# PAD seconds, speech raised or lowered to LEVEL, peaks held below CEILING.
set -euo pipefail
cd "$(dirname "$0")"

VOICE=voice_cmu_us_slt_arctic_hts
LEVEL=-20   # dBFS, RMS over the parts where somebody speaks
CEILING=-3  # dBFS, highest sample
SENTENCE_PACE=0.94
WORD_PACE=0.82
PAD=0.08    # seconds of silence at each end

for tool in festival sox; do
	command -v "$tool" >/dev/null || {
		echo "make.sh: $tool is missing; apt-get install festival festvox-us-slt-hts sox" >&2
		exit 1
	}
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# entries FILE prints the lines of a list that were asked for.
entries() {
	grep -v '^#' "$1" | grep . | while IFS=$'\t' read -r name text; do
		[[ ${#wanted[@]} -eq 0 || " ${wanted[*]} " == *" $name "* ]] && printf '%s\t%s\n' "$name" "$text"
	done || true
}

# active FILE prints the RMS level in dB of what is left without its pauses.
active() {
	sox "$1" -n silence -l 1 0.02 -42d -1 0.02 -42d stats 2>&1 | awk '/^RMS lev dB/ { print $4 }'
}

# level FILE OUT GAIN writes FILE louder by GAIN dB with its peaks limited.
level() {
	sox -D "$1" -b 16 "$2" gain -l "$(awk "BEGIN { print $3 - $CEILING + 0.1 }")" gain "$(awk "BEGIN { print $CEILING - 0.1 }")"
}

# finish RAW NAME makes one recording into en/NAME.wav. The voice says final
# consonants so softly that a telephone loses them: a shelf above 3 kHz and a
# gentle compressor bring them out before the ends are cut. Limiting takes a
# little level away, hence the second look.
finish() {
	local raw=$1 out=en/$2.wav trimmed=$work/trimmed.wav levelled=$work/levelled.wav
	mkdir -p "$(dirname "$out")"
	sox -D "$raw" -c 1 -r 16000 -b 24 "$trimmed" gain -12 highpass 70 treble +6 3000 norm -6 \
		compand 0.003,0.08 6:-70,-70,-50,-42,-30,-22,-10,-9,0,-4 norm -6 \
		silence 1 0.005 0.4% reverse silence 1 0.005 0.4% fade q 0.01 reverse fade q 0.004 pad "$PAD" "$PAD"
	local gain rest
	gain=$(awk "BEGIN { print $LEVEL - ($(active "$trimmed")) }")
	level "$trimmed" "$levelled" "$gain"
	rest=$(awk "BEGIN { print $LEVEL - ($(active "$levelled")) }")
	level "$trimmed" "$out" "$(awk "BEGIN { print $gain + $rest }")"
}

wanted=("$@")

# One run of festival speaks everything: starting it takes longer than talking.
# Sentences are spoken one by one, for the silence around each is the pause that
# the voice would not make by itself. It also hurries, above all where a word
# stands alone.
entries en.txt >"$work/speech"
{
	echo "($VOICE)"
	echo "(define engine hts_engine_params)"
	number=0
	while IFS=$'\t' read -r _ text; do
		number=$((number + 1))
		part=0
		pace=$SENTENCE_PACE
		[[ $text == *" "* ]] || pace=$WORD_PACE
		echo "(set! hts_engine_params (append engine '((\"-r\" $pace))))"
		while read -r sentence; do
			part=$((part + 1))
			printf '(utt.save.wave (utt.synth (Utterance Text "%s")) "%s/%d.%d.wav" (quote riff))\n' \
				"${sentence//\"/}" "$work" "$number" "$part"
		done < <(grep -oE '[^.?!]+[.?!]*' <<<"$text")
	done <"$work/speech"
} >"$work/speech.scm"
festival -b "$work/speech.scm"

number=0
while IFS=$'\t' read -r name _; do
	number=$((number + 1))
	sox "$work/$number".[1-9].wav "$work/raw.wav"
	finish "$work/raw.wav" "$name"
done <"$work/speech"

entries tones.txt >"$work/tones"
while IFS=$'\t' read -r name effects; do
	# shellcheck disable=SC2086 # the effects are words
	sox -D -r 16000 -b 24 -c 1 -n "$work/tone.wav" $effects
	finish "$work/tone.wav" "$name"
done <"$work/tones"

echo "$(($(wc -l <"$work/speech") + $(wc -l <"$work/tones"))) prompts made"
