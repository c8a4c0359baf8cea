"""What changed between two states of a session's data, and what becomes of two changes at once."""

import ast
import copy
import json
import os
import random
import unittest

import coatcheck
from coatcheck import edits_between, merge_changes


def apply(data, edits):
    """What the server makes of edits."""
    data = copy.deepcopy(data)
    for key, value in edits.get("set", {}).items():
        data[key] = value
    for key in edits.get("remove", []):
        data.pop(key, None)
    for key, items in edits.get("extend", {}).items():
        data[key] = data.get(key, []) + items
    for key, inner in edits.get("in", {}).items():
        data[key] = apply(data.get(key, {}), inner)
    return data


class DifferencesTest(unittest.TestCase):
    def test_python(self):
        """coatcheck.py is of Python 3.9, and needs neither Flask nor Django to be imported"""
        with open(coatcheck.__file__, encoding="utf-8") as file:
            tree = ast.parse(file.read(), feature_version=(3, 9))
        modules = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
        names = {getattr(node, "module", None) or node.names[0].name for node in modules}
        self.assertFalse({name.split(".")[0] for name in names} & {"flask", "django", "werkzeug"})

    def test_version(self):
        """coatcheck.py has the version of the server"""
        manifest = os.path.join(os.path.dirname(coatcheck.__file__), "../../../package.json")
        with open(manifest, encoding="utf-8") as file:
            self.assertEqual(coatcheck.__version__, json.load(file)["version"])

    def test_nothing(self):
        """What is equal as JSON needs no edit, also where its keys are in another order"""
        data = {"a": 1, "b": [1, {"c": None}], "d": {"x": 1, "y": 2.5}}
        again = {"d": {"y": 2.5, "x": 1}, "b": [1, {"c": None}], "a": 1}
        self.assertEqual(edits_between(data, again), ({}, False))

    def test_kinds(self):
        """1, 1.0 and True are three values"""
        for old, new in ((1, True), (1, 1.0), (True, 1), (0, False), ([1], [True]), ({"a": 1}, {"a": 1.0})):
            edits, _ = edits_between({"k": old}, {"k": new})
            self.assertIn(repr(new), repr(apply({"k": old}, edits)))

    def test_values(self):
        """Values are set and removed, null among them"""
        edits, is_bound = edits_between({"a": 1, "b": 2, "c": None}, {"a": None, "c": "x"})
        self.assertEqual(edits, {"set": {"a": None, "c": "x"}, "remove": ["b"]})
        self.assertFalse(is_bound)

    def test_pushes(self):
        """Items at the end of a list are appended, to a list that begins so, too"""
        edits = edits_between({"l": [1, 2]}, {"l": [1, 2, 3], "m": [4], "n": []})
        self.assertEqual(edits, ({"extend": {"l": [3], "m": [4], "n": []}}, False))

    def test_objects(self):
        """Objects are changed key by key, at any depth"""
        before = {"o": {"a": 1, "p": {"x": 1, "l": [1]}}}
        after = {"o": {"a": 2, "p": {"y": 2, "l": [1, 2]}}, "q": {"r": {}}}
        inner = {"set": {"y": 2}, "remove": ["x"], "extend": {"l": [2]}}
        edits = {"in": {"o": {"set": {"a": 2}, "in": {"p": inner}}, "q": {"in": {"r": {}}}}}
        self.assertEqual(edits_between(before, after), (edits, False))

    def test_bound(self):
        """What takes away from a list or an object holds for the version that was read alone"""
        for old, new in (
            ([1, 2], [2]),
            ([1, 2], [1, 3]),
            ([1], None),
            ({"a": 1}, 1),
            ([1], coatcheck._MISSING),
            ({"a": 1}, coatcheck._MISSING),
        ):
            after = {} if new is coatcheck._MISSING else {"k": new}
            edits, is_bound = edits_between({"k": old}, after)
            self.assertTrue(is_bound, (old, new))
            self.assertEqual(apply({"k": old}, edits), after)

    def test_tags(self):
        """What Flask tags is one value: two tuples are never mixed"""
        old, new = {"t": {" t": [1, 2]}}, {"t": {" t": [1, 2, 3]}, "u": {" t": [4]}}
        edits = ({"set": {"t": {" t": [1, 2, 3]}, "u": {" t": [4]}}}, False)
        self.assertEqual(edits_between(old, new), edits)
        self.assertEqual(merge_changes(old, new, {"t": {" t": [9]}}), new)

    def test_merge(self):
        """Two changes of one state are both in what they are merged into"""
        for before, mine, theirs, merged in (
            ({"a": 1}, {"a": 1, "b": 2}, {"a": 1, "c": 3}, {"a": 1, "b": 2, "c": 3}),
            ({"a": 1, "b": 2}, {"a": 1}, {"a": 5, "b": 2}, {"a": 5}),
            ({"l": [1]}, {"l": [1, 2]}, {"l": [1, 3]}, {"l": [1, 3, 2]}),
            ({"l": [1]}, {"l": [1, 2]}, {"l": [1, 2]}, {"l": [1, 2, 2]}),
            ({}, {"l": [1]}, {"l": [2]}, {"l": [2, 1]}),
            ({}, {"o": {"a": 1}}, {"o": {"b": 2}}, {"o": {"b": 2, "a": 1}}),
            ({}, {"o": {"a": 1}}, {"o": [2]}, {"o": {"a": 1}}),
            ({"l": [1, 2, 3]}, {"l": [1, 3]}, {"l": [1, 2, 3, 4]}, {"l": [1, 3, 4]}),
            ({"l": [1, 2]}, {"l": []}, {"l": [1, 2, 3]}, {"l": [3]}),
            ({"l": [1, 2]}, {}, {"l": [1, 2, 3]}, {"l": [3]}),
            ({"l": [1, 2]}, {}, {"l": [1, 2]}, {}),
            ({"l": [1, 2]}, {"l": [5, 1, 2]}, {"l": [1, 2, 3]}, {"l": [5, 1, 2, 3]}),
            ({"l": [{"n": 1}, {"n": 1}]}, {"l": [{"n": 2}, {"n": 1}]}, {"l": [{"n": 1}, {"n": 3}]},
             {"l": [{"n": 2}, {"n": 3}]}),
            ({"o": {"a": 1}}, {}, {"o": {"a": 1, "b": 2}}, {"o": {"b": 2}}),
            ({"a": 1}, {"a": 2}, {"a": 3}, {"a": 2}),
            ({"a": 1}, {"a": 1}, {}, {}),
        ):
            with self.subTest((before, mine, theirs)):
                kept = copy.deepcopy((before, mine, theirs))
                self.assertEqual(merge_changes(before, mine, theirs), merged)
                self.assertEqual((before, mine, theirs), kept)

    def test_at_random(self):
        """Edits make of the one state the other, whatever the two are; merged with nothing, too"""
        draw = random.Random(7)

        def value(depth):
            kinds = [None, True, False, 0, 1, 1.0, -2.5, "", "x", "ä"]
            if depth == 0 or draw.random() < 0.5:
                return draw.choice(kinds)
            if draw.random() < 0.5:
                return [value(depth - 1) for _ in range(draw.randrange(4))]
            return {draw.choice("abc "): value(depth - 1) for _ in range(draw.randrange(4))}

        for _ in range(3000):
            before, after = ({key: value(3) for key in draw.sample("abcd", 3)} for _ in range(2))
            edits, _ = edits_between(before, after)
            self.assertEqual(repr_of(apply(before, edits)), repr_of(after))
            self.assertEqual(repr_of(merge_changes(before, after, before)), repr_of(after))
            self.assertEqual(repr_of(merge_changes(before, before, after)), repr_of(after))


def repr_of(value):
    if isinstance(value, dict):
        return sorted((key, repr_of(item)) for key, item in value.items())
    return [repr_of(item) for item in value] if isinstance(value, list) else repr(value)


if __name__ == "__main__":
    unittest.main()
