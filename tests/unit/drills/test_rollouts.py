"""Mistakes on a cluster: what counts as told, and that each is mended whatever came of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import carbonlib
from carbonlib._errors import ApplyError, UsageError
from carbonlib.drills import Rehearsals, rehearse, rollouts
from carbonlib.targets.kubernetes.mistakes import MISTAKES, Mistake, Scene, mistake


class Stage(Scene):
    """A scene of which only what is left after a roll-back is asked."""

    def differing(self) -> list[str]:
        return ["StatefulSet/a/b"]


SCENE = Stage(None, "connect", "kafka-connect", 1, 1)  # type: ignore[arg-type]


def rehearsed(make: Callable[[Scene], None]) -> tuple[Any, list[str]]:
    mended: list[str] = []
    made = Mistake("something is spoilt", "no space.*left", make, lambda scene: mended.append(scene.workload))
    return rollouts._rehearse("spoilt", made, SCENE), mended


def refuse(scene: Scene) -> None:
    raise ApplyError("It cannot get ready.", cause="no space\nis left")


def refuse_otherwise(scene: Scene) -> None:
    raise ApplyError("It cannot get ready.", cause="who knows")


def test_an_error_that_names_the_mistake_counts_as_told() -> None:
    found, mended = rehearsed(refuse)
    assert (found.fits, found.told, mended) == (True, "It cannot get ready.\nno space\nis left", ["kafka-connect"])
    assert Rehearsals([found]).untold == [] and Rehearsals([found]).differing == ["spoilt: StatefulSet/a/b"]


@pytest.mark.parametrize("make", [refuse_otherwise, lambda scene: None])
def test_another_error_or_none_is_untold_and_mended_all_the_same(make: Callable[[Scene], None]) -> None:
    found, mended = rehearsed(make)
    assert Rehearsals([found]).untold == ["spoilt"] and mended == ["kafka-connect"]
    assert "NOT TOLD" in repr(found)


def test_a_mistake_of_the_drill_itself_is_mended_and_shown() -> None:
    mended: list[str] = []
    made = Mistake("x", "y", lambda scene: {}["gone"], lambda scene: mended.append("yes"))
    with pytest.raises(KeyError):
        rollouts._rehearse("x", made, SCENE)
    assert mended == ["yes"]


def test_the_table_and_the_figure_have_a_row_a_mistake() -> None:
    found = Rehearsals([rehearsed(refuse)[0], rehearsed(refuse_otherwise)[0]])
    assert len(found.table()) == 2 and list(found.table()["named"]) == [True, False]
    assert [len(bar.y) for bar in found.figure().data] == [2, 2]
    assert "&lt;" not in found._repr_mimebundle_()["text/html"]


def test_an_unknown_mistake_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        mistake("gremlins")
    assert all(name in caught.value.remedy for name in MISTAKES)


def test_they_are_made_on_a_cluster_only() -> None:
    with pytest.raises(UsageError, match="on a cluster"):
        rehearse(carbonlib.connect("local"), "quota")
