from __future__ import annotations

import carbonlib


def test_the_export_list_is_sorted_and_true() -> None:
    assert carbonlib.__all__ == sorted(carbonlib.__all__)
    assert all(hasattr(carbonlib, name) for name in carbonlib.__all__)
