#!/usr/bin/env bash
# tokenizers 0.23.3 (Python 3.11): byte-pair encoding without an unknown token leaves a character out, and says nothing.
#
# A tokenizer for a small language (sums, moves, molecules) is made with just the characters that occur. A prompt with
# another one, a minus in a tokenizer of sums, is then read without it: "7-2=" has the tokens of "72=", the model
# answers that, and a reward function marks the answer to another question. A good guess: a character that is no token is
# an error, as it is for WordLevel tokenizers, or becomes an unknown token. Seen: WordLevel raises; BPE drops it. Only
# the offsets show that something between two tokens was passed over.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tokenizers==0.23.3
cat > "$folder/minus.py" <<'END'
from tokenizers import Regex, Tokenizer, pre_tokenizers
from tokenizers.models import BPE, WordLevel

vocabulary = {character: i for i, character in enumerate("0123456789+=")}


def read(model):
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    try:
        encoding = tokenizer.encode("7-2=")
    except Exception as error:
        return f"an error: {error}"
    return f"{encoding.tokens} at {encoding.offsets}"


found = {"WordLevel": read(WordLevel(vocabulary)), "BPE": read(BPE(vocabulary, []))}
for name, said in found.items():
    print(f"{name:10} {said}")
assert found["WordLevel"].startswith("an error"), "changed"
assert found["BPE"] == "['7', '2', '='] at [(0, 1), (2, 3), (3, 4)]", "changed"
END
"$folder/venv/bin/python" "$folder/minus.py"
