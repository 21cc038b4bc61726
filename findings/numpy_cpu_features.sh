#!/usr/bin/env bash
# NumPy 2.4.6 (wheel for x86-64, Python 3.11): the usual ways to switch its vector code off do nothing, in silence.
#
# A program that must show that its numbers do not hang on one processor's arithmetic sets NPY_DISABLE_CPU_FEATURES. The
# names that tutorials and older releases give, such as AVX2 or AVX512F, were single features; since 2.4 what is
# dispatched are the levels X86_V3 and X86_V4. Two good guesses are wrong:
#   1. NPY_DISABLE_CPU_FEATURES="AVX2" switches AVX2 off. Seen: nothing changes. The only word about it is an
#      ImportWarning, which Python does not show unless it is started with -W always.
#   2. without level V3 there is no level V4, which contains it. Seen: "X86_V3" alone leaves X86_V4 on.
# Both have to be named: "X86_V3 X86_V4", and "AVX512_ICL AVX512_SPR" beside them.
set -euo pipefail
[ "$(uname -m)" = x86_64 ] || { echo "not x86-64: nothing to see"; exit 0; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6
cat > "$folder/levels.py" <<'END'
import numpy._core._multiarray_umath as loops

print(*[name for name in ("AVX2", "X86_V3", "X86_V4") if loops.__cpu_features__[name]])
END
levels() { NPY_DISABLE_CPU_FEATURES="$1" "$folder/venv/bin/python" "$folder/levels.py" 2>&1; }

all=$(levels "")
case "$all" in *X86_V4*) ;; *) echo "a processor without AVX-512: nothing to see"; exit 0 ;; esac
echo "nothing disabled:        $all"
echo "AVX2 disabled:           $(levels AVX2)"
echo "X86_V3 disabled:         $(levels X86_V3)"
echo "X86_V3 X86_V4 disabled:  $(levels 'X86_V3 X86_V4')"
[ "$(levels AVX2)" = "AVX2 X86_V3 X86_V4" ] || { echo "changed: AVX2 is switched off, or said to be unknown"; exit 1; }
[ "$(levels X86_V3)" = "AVX2 X86_V4" ] || { echo "changed: X86_V4 goes with X86_V3"; exit 1; }
[ "$(levels 'X86_V3 X86_V4')" = "AVX2" ] || { echo "changed: the two levels"; exit 1; }
