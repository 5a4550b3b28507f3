#!/usr/bin/env python3
"""Codes the signals of this package with libraries that others wrote.

    oracle.py gsm  > ../../gsm/testdata/vectors.txt    (Debian: libgsm1)
    oracle.py g722                                     (Debian: libspandsp2)

The vectors of G.722 are those of the reference software of ITU-T G.191, coded
and decoded with the same signals. spandsp gives the same but for "loud", "square"
and "octets", which drive it where the Recommendation saturates and it does not.

A line has the signal, the SHA-256 of what it was coded into, and that of what
became of it when it was decoded again (16 bits, little endian). The signal
"octets" is random payload and is only decoded; "speech" is a prompt that ships.
"""
import ctypes
import hashlib
import os
import struct
import sys

LENGTH = 16000
NAMES = ["silence", "loud", "quiet", "square", "bursts", "sweep", "impulses", "crackle"]
SPEECH = os.path.join(os.path.dirname(__file__), "../../../../../sounds/en/demo-congrats.wav")


def noise(seed):
    state = seed
    while True:
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        value = state >> 16
        yield value - 65536 if value >= 32768 else value


def triangle(phase):
    phase &= 0xFFFF
    return (0xFFFF - phase if phase >= 0x8000 else phase) - 0x4000


def sample(name, i, random):
    if name == "loud":
        return random
    if name == "quiet":
        return random >> 9
    if name == "square":
        return 32767 if i // (7 + i // 800) % 2 == 0 else -32768
    if name == "bursts":
        return random >> 2 if i // 1000 % 2 == 0 else random >> 12
    if name == "sweep":
        return triangle(i * i // 256)
    if name == "impulses":
        return 32767 if i % 331 == 0 else -32768 if i % 337 == 0 else 0
    if name == "crackle":
        low = i | 1 << 14
        return triangle(i * 211) >> ((low & -low).bit_length() - 1)
    return 0


def signal(name):
    if name == "speech":
        with open(SPEECH, "rb") as f:
            f.seek(44)
            raw = f.read()[:2 * LENGTH * 4]
        return list(struct.unpack("<%dh" % (len(raw) // 2), raw))
    random = noise(NAMES.index(name) + 1)
    return [sample(name, i, next(random)) for i in range(LENGTH)]


def octets(n):
    random = noise(99)
    return bytes(next(random) & 0xFF for _ in range(n))


def g722_encode(pcm):
    lib = ctypes.CDLL("libspandsp.so.2")
    lib.g722_encode_init.restype = ctypes.c_void_p
    state = ctypes.c_void_p(lib.g722_encode_init(None, 64000, 0))
    out = ctypes.create_string_buffer(len(pcm))
    n = lib.g722_encode(state, out, (ctypes.c_int16 * len(pcm))(*pcm), len(pcm))
    return out.raw[:n]


def g722_decode(data):
    lib = ctypes.CDLL("libspandsp.so.2")
    lib.g722_decode_init.restype = ctypes.c_void_p
    state = ctypes.c_void_p(lib.g722_decode_init(None, 64000, 0))
    out = (ctypes.c_int16 * (2 * len(data)))()
    n = lib.g722_decode(state, out, data, len(data))
    return list(out[:n])


def gsm_run(data, size, call):
    lib = ctypes.CDLL("libgsm.so.1")
    lib.gsm_create.restype = ctypes.c_void_p
    state = ctypes.c_void_p(lib.gsm_create())
    return [call(lib, state, data[i:i + size]) for i in range(0, len(data) - size + 1, size)]


def gsm_encode(pcm):
    def one(lib, state, frame):
        out = ctypes.create_string_buffer(33)
        lib.gsm_encode(state, (ctypes.c_int16 * 160)(*frame), out)
        return out.raw
    return b"".join(gsm_run(pcm, 160, one))


def gsm_decode(data):
    def one(lib, state, frame):
        out = (ctypes.c_int16 * 160)()
        lib.gsm_decode(state, frame, out)
        return list(out)
    return sum(gsm_run(data, 33, one), [])


def digest(data):
    return hashlib.sha256(data).hexdigest()


def samples(pcm):
    return digest(struct.pack("<%dh" % len(pcm), *pcm))


def main():
    codec = sys.argv[1]
    encode, decode = {"g722": (g722_encode, g722_decode), "gsm": (gsm_encode, gsm_decode)}[codec]
    for name in NAMES + ["speech"]:
        coded = encode(signal(name))
        print(name, digest(coded), samples(decode(coded)))
        if len(sys.argv) > 2:
            with open(os.path.join(sys.argv[2], "%s.%s" % (name, codec)), "wb") as f:
                f.write(coded)
    payload = bytearray(octets(330 * 33))
    if codec == "gsm":
        for i in range(0, len(payload), 33):
            payload[i] = payload[i] & 0x0F | 0xD0
    print("octets", digest(bytes(payload)), samples(decode(bytes(payload))))


main()
