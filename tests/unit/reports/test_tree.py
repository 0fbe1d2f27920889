from ci.reports.tree import draw_tree


def test_children_hang_below_their_parent_by_name() -> None:
    drawn = list(draw_tree({"base": None, "r": "base", "ds": "base", "ml": "ds", "lone": None}))
    assert drawn == [
        ("base", "base"),
        ("ds", "├── ds"),
        ("ml", "│   └── ml"),
        ("r", "└── r"),
        ("lone", "lone"),
    ]


def test_an_image_whose_parent_is_not_drawn_is_a_root() -> None:
    assert list(draw_tree({"ml": "ds"})) == [("ml", "ml")]
