"""The results as JUnit XML, which every build server reads: one suite a notebook, one case for it and one a check."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from ..model import NotebookResult, RunResult

_NOT_XML = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(run: RunResult) -> str:
    """The XML text."""
    root = ElementTree.Element("testsuites", name=_xml(run.run_id), time=f"{run.seconds:.3f}")
    for notebook in run.notebooks:
        root.append(_suite(notebook, strict=run.strict))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(notebook: NotebookResult, *, strict: bool) -> ElementTree.Element:
    suite = ElementTree.Element("testsuite", name=notebook.id, time=f"{notebook.seconds:.3f}")
    case = ElementTree.SubElement(
        suite, "testcase", classname=notebook.id, name="notebook", time=suite.get("time", "0")
    )
    if notebook.verdict in ("failed", "interrupted"):
        error = notebook.error
        kind, text = (error.type, f"{error.message}\n{error.remedy}") if error else (notebook.verdict, "")
        failure = ElementTree.SubElement(
            case, "failure", type=_xml(kind), message=_xml(text.splitlines()[0] if text else "")
        )
        failure.text = _xml(text)
    elif notebook.verdict == "skipped":
        reason = notebook.error.message if notebook.error else notebook.note
        ElementTree.SubElement(case, "skipped", message=_xml(reason))
    for check in notebook.checks:
        line = f"measured {check['measured']} {check['unit']}, limit {check['limit']}. {check['note']}"
        case = ElementTree.SubElement(suite, "testcase", classname=notebook.id, name=_xml(check["name"]))
        if check["verdict"] == "failed" or (strict and check["verdict"] != "passed"):
            ElementTree.SubElement(case, "failure", type=check["verdict"], message=_xml(line))
        else:
            ElementTree.SubElement(case, "system-out").text = _xml(f"{check['verdict']}: {line}")
    cases = suite.findall("testcase")
    suite.set("tests", str(len(cases)))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))
    return suite


def _xml(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
