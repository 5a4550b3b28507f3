// Package sounds carries the prompts that ship with moonwire.
//
// The prompts of a language lie in a folder named after it, under the names
// that users of Asterisk know: "en/vm-intro.wav", "en/digits/1.wav". All are
// mono WAV of 16 kHz and 16 bits at an even loudness, made once by make.sh from
// en.txt and tones.txt. A site's own sounds folder comes before these.
package sounds

import "embed"

// FS holds one folder for each language.
//
//go:embed en
var FS embed.FS
