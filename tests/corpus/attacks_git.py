"""Attacks on how entries are encoded, and on what Git holds in their place. No key is needed."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

from dpgate.loading.canonical import canonical
from tests.corpus.scene import FOLDER, Found, Scene
from tests.team import BRANCH

LAST = 9


def _encoded(scene: Scene, change: Callable[[bytes], bytes]) -> Found:
    data = scene.files[scene.name(LAST)]
    changed = change(data)
    assert changed != data
    scene.replace(LAST, changed)
    return scene.verify()


def reencoded_with_spaces(scene: Scene) -> Found:
    return _encoded(
        scene, lambda data: json.dumps(json.loads(data), sort_keys=True).encode() + b"\n"
    )


def reencoded_in_another_key_order(scene: Scene) -> Found:
    def change(data: bytes) -> bytes:
        turned = dict(reversed(json.loads(data).items()))
        return json.dumps(turned, separators=(",", ":")).encode() + b"\n"

    return _encoded(scene, change)


def reencoded_with_unicode_escapes(scene: Scene) -> Found:
    return _encoded(scene, lambda data: data.replace(b"payloadType", b"payload\\u0054ype"))


def reencoded_with_other_line_ends(scene: Scene) -> Found:
    return _encoded(scene, lambda data: data.replace(b"\n", b"\r\n"))


def reencoded_without_line_end(scene: Scene) -> Found:
    return _encoded(scene, lambda data: data.rstrip(b"\n"))


def _signature(scene: Scene, change: Callable[[str], str]) -> Found:
    def apply(data: bytes) -> bytes:
        body = json.loads(data)
        body["signatures"][0]["sig"] = change(body["signatures"][0]["sig"])
        return canonical(body) + b"\n"

    return _encoded(scene, apply)


def reencoded_without_padding(scene: Scene) -> Found:
    return _signature(scene, lambda text: text.rstrip("="))


def reencoded_with_spare_bits(scene: Scene) -> Found:
    """The last digit of an Ed25519 signature in base64 holds four bits that mean nothing."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

    def change(text: str) -> str:
        place = len(text.rstrip("=")) - 1
        other = alphabet[alphabet.index(text[place]) ^ 1]
        changed = text[:place] + other + text[place + 1 :]
        assert base64.b64decode(changed) == base64.b64decode(text)
        return changed

    return _signature(scene, change)


def reencoded_for_urls(scene: Scene) -> Found:
    return _signature(
        scene, lambda text: text.translate(str.maketrans("+/", "-_")).replace("=", "-")
    )


def reencoded_with_broken_base64_lines(scene: Scene) -> Found:
    return _signature(scene, lambda text: text[:40] + "\n" + text[40:])


def another_payload_type(scene: Scene) -> Found:
    return _encoded(scene, lambda data: data.replace(b"vnd.in-toto+json", b"vnd.other+json"))


def key_given_twice(scene: Scene) -> Found:
    return _encoded(scene, lambda data: data.replace(b'{"payload":', b'{"payload":"","payload":'))


def nested_without_end(scene: Scene) -> Found:
    return _encoded(scene, lambda data: b"[" * 400_000)


def not_utf8(scene: Scene) -> Found:
    return _encoded(scene, lambda data: data.replace(b"payloadType", b"payload\xffype"))


def name_not_utf8(scene: Scene) -> Found:
    scene.graft(f"{FOLDER}/000010-\udcff.dsse.json", "100644", b"{}")
    return scene.verify()


def name_that_forges_a_line(scene: Scene) -> Found:
    scene.graft(f"{FOLDER}/000010\nverified.json", "100644", b"{}")
    found = scene.verify()
    assert "\n" not in found.said
    return found


def hundred_megabytes(scene: Scene) -> Found:
    scene.graft(f"{FOLDER}/{scene.name(LAST)}", "100644", b"\0" * 100_000_000)
    return scene.verify()


def link_in_place_of_an_entry(scene: Scene) -> Found:
    scene.graft(f"{FOLDER}/{scene.name(LAST)}", "120000", b"/etc/passwd")
    return scene.verify()


def link_in_place_of_the_folder(scene: Scene) -> Found:
    scene.graft(FOLDER, "120000", b"../elsewhere")
    return scene.verify()


def submodule_in_place_of_an_entry(scene: Scene) -> Found:
    commit = scene.team.git("rev-parse", f"origin/{BRANCH}")
    scene.graft(f"{FOLDER}/{scene.name(LAST)}", "160000", commit)
    return scene.verify()


def submodule_in_place_of_the_folder(scene: Scene) -> Found:
    commit = scene.team.git("rev-parse", f"origin/{BRANCH}")
    scene.graft(FOLDER, "160000", commit)
    return scene.verify()


def executable_entry(scene: Scene) -> Found:
    scene.graft(f"{FOLDER}/{scene.name(LAST)}", "100755", scene.files[scene.name(LAST)])
    return scene.verify()


def entry_in_a_folder_below(scene: Scene) -> Found:
    scene.graft(f"{FOLDER}/more/000010-settle.dsse.json", "100644", b"{}")
    return scene.verify()


def rebased_history(scene: Scene) -> Found:
    """Other commits, other dates, other signatures; the same files."""
    team = scene.team
    tree = team.git("rev-parse", f"origin/{BRANCH}^{{tree}}")
    commit = team.git("commit-tree", tree, "-m", "Squashed")
    team.git("push", "-q", "--force", "origin", f"{commit}:refs/heads/{BRANCH}")
    scene.fetch()
    return scene.verify(memory=True, checkpoint=scene.note)


def shallow_clone(scene: Scene) -> Found:
    team = scene.team
    clone = team.folder / "shallow"
    url = f"file://{team.remote}"
    words = ("clone", "-q", "--depth", "1", "--no-single-branch", url, str(clone))
    team.git(*words, cwd=team.folder)
    assert (clone / ".git" / "shallow").exists()
    return scene.verify(clone)


def replaced_object(scene: Scene) -> Found:
    """A replace ref shows another blob under an entry's object name, to Git's own commands."""
    team = scene.team
    place = f"origin/{BRANCH}:{FOLDER}/{scene.name(LAST)}"
    blob = team.git("rev-parse", place)
    other = team.git("hash-object", "-w", "--stdin", stdin=b"{}")
    team.git("replace", blob, other)
    assert team.git("show", place) == "{}"
    return scene.verify()
