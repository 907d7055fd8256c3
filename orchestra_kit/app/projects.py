"""A project on disk: `orchestra.yaml` with its process and interface descriptions, read and turned into scenarios."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from orchestra_kit.app.inspection import read_graph
from orchestra_kit.design.binding import ProjectBinding
from orchestra_kit.design.coverage import ComposedSuite, compose
from orchestra_kit.design.coverage.collaboration import collaborations_of, compose_collaboration
from orchestra_kit.design.documents import Document, read_bytes, read_document, read_value
from orchestra_kit.design.generation import Author, Generated, SuiteGenerator
from orchestra_kit.design.matching import Certainty
from orchestra_kit.design.operations import OperationCatalog
from orchestra_kit.design.process_set import ProcessSet, open_calls
from orchestra_kit.design.reading import ProcessDocument, read_process
from orchestra_kit.errors import DefinitionError, Place, UnknownNameError
from orchestra_kit.model import ChannelType, ControlFlowGraph, InterfaceSummary, Severity
from orchestra_kit.protocols.http.bundle import files_beside
from orchestra_kit.protocols.http.endpoint_matcher import KNOWN_MARGIN, KNOWN_SCORE
from orchestra_kit.spi.protocol import ProtocolPlugin, SpecParser

PROJECT_FILE = "orchestra.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedSpec:
    """An interface description as read from disk."""

    service_name: str
    path: Path
    text: str
    summary: InterfaceSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """Everything `orchestra.yaml` names, read."""

    path: Path
    document: Document
    binding: ProjectBinding
    process_path: Path
    process: ProcessDocument
    process_id: str
    specs: Mapping[str, LoadedSpec]
    opened: ProcessSet

    @property
    def graph(self) -> ControlFlowGraph:
        """The process's control-flow graph, with what it calls in place."""
        return self.opened.graph


def load_project(path: Path, plugins: Mapping[ChannelType, ProtocolPlugin]) -> Project:
    """Return the project of an `orchestra.yaml` (or of the folder that holds one); raise DefinitionError."""
    file = path / PROJECT_FILE if _is_folder(path) else path
    document = read_document(file)
    binding = read_value(document, ProjectBinding)
    process_path = _beside(file, binding.process, document.place(("process",)))
    process = read_process(read_bytes(process_path, place=document.place(("process",))), source=str(process_path))
    if not process.ok:
        worst = next((item for item in process.diagnostics if item.severity is Severity.ERROR), None)
        reason = f"{worst.code}: {worst.message}" if worst else "nothing usable in it"
        raise DefinitionError(f"the process cannot be used: {reason}", place=Place(file=str(process_path)))
    parser = plugins[ChannelType.HTTP_REST].spec_parser
    specs = {name: read_spec(name, file, text, document, parser) for name, text in binding.specs.items()}
    process_id = _process_id(process, binding, document)
    opened = _opened(process.graph, process_id, file, binding, document)
    return Project(
        path=file,
        document=document,
        binding=_bound_by_origin(binding, opened),
        process_path=process_path,
        process=process,
        process_id=process_id,
        specs=specs,
        opened=opened,
    )


def _opened(
    graph: ControlFlowGraph, process_id: str, file: Path, binding: ProjectBinding, document: Document
) -> ProcessSet:
    """Return the graph with the calls of the process opened, also into the files the project includes."""
    siblings = {
        written: read_graph(
            _beside(file, written, document.place(("includes", position))), place=document.place(("includes", position))
        )
        for position, written in enumerate(binding.includes)
    }
    opened = open_calls(graph, siblings)
    return open_calls(graph, siblings, process_id=process_id) if process_id in opened.riders else opened


def _bound_by_origin(binding: ProjectBinding, opened: ProcessSet) -> ProjectBinding:
    """Return the binding in which an element of a process called several times is bound once for all of its calls."""
    elements = {key: binding.elements[own] for key, own in opened.origins.items() if own in binding.elements}
    flows = {key: binding.flows[own] for key, own in opened.origins.items() if own in binding.flows}
    if not elements and not flows:
        return binding
    present = {item.id for item in opened.graph.nodes} | {item.id for item in opened.graph.flows}
    kept = {
        key: value for key, value in binding.elements.items() if key in present or key not in opened.origins.values()
    }
    taken = {key: value for key, value in binding.flows.items() if key in present or key not in opened.origins.values()}
    return binding.model_copy(update={"elements": {**elements, **kept}, "flows": {**flows, **taken}})


def read_spec(
    service: str, project_file: Path, written: str, document: Document, parser: SpecParser | None
) -> LoadedSpec:
    """Return one interface description named by the project."""
    if parser is None:
        raise DefinitionError("no plugin is installed that reads interface descriptions.")
    place = document.place(("specs", service))
    path = _beside(project_file, written, place)
    text = read_bytes(path, place=place).decode("utf-8-sig", errors="replace")
    return LoadedSpec(
        service_name=service,
        path=path,
        text=text,
        summary=parser.parse(text, source=str(path), files=files_beside(path)),
    )


def compose_project(project: Project) -> ComposedSuite:
    """Return the paths of the project's process, composed across its sub-processes and calls.

    With `collaboration` they go through all the processes it exchanges messages with. Raise DefinitionError where there are
    none.
    """
    if project.binding.collaboration:
        group = next((item for item in collaborations_of(project.graph) if project.process_id in item), None)
        if group is None:
            raise DefinitionError(
                f"the process '{project.process_id}' exchanges messages with no other process of the file.",
                place=project.document.place(("collaboration",)),
            )
        suite = compose_collaboration(
            project.graph, group, criterion=project.binding.criterion, max_loop=project.binding.max_loop
        )
        return suite.as_composed(project.graph, project.process_id)
    return compose(
        project.graph,
        project.process_id,
        criterion=project.binding.criterion,
        max_loop=project.binding.max_loop,
    )


def generate(
    project: Project,
    plugins: Mapping[ChannelType, ProtocolPlugin],
    *,
    tenant_id: str,
    suite_id: str,
    actor: str,
    composed: ComposedSuite | None = None,
) -> Generated:
    """Return the project's scenarios, bound, with their gaps."""
    catalog = OperationCatalog({name: spec.summary for name, spec in project.specs.items()})
    matcher = plugins[ChannelType.HTTP_REST].endpoint_matcher
    certainty = Certainty(score=KNOWN_SCORE, margin=KNOWN_MARGIN)
    generator = SuiteGenerator(project.graph, project.binding, project.document, catalog, matcher, certainty=certainty)
    author = Author(tenant_id=tenant_id, suite_id=suite_id, actor=actor, now=datetime.now(UTC))
    return generator.generate((composed or compose_project(project)).scenarios, author)


def _process_id(process: ProcessDocument, binding: ProjectBinding, document: Document) -> str:
    ids = [item.id for item in process.graph.processes if item.nodes]
    if binding.process_id is not None:
        if binding.process_id not in ids:
            raise UnknownNameError("process", binding.process_id, ids, place=document.place(("processId",)))
        return binding.process_id
    if len(ids) == 1 or (binding.collaboration and ids):
        return ids[0]
    hint = f"It holds: {', '.join(ids)}." if ids else "It holds no process with elements."
    raise DefinitionError(
        "say which process of the file is meant (processId).", place=document.place(("process",)), hint=hint
    )


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False  # reading it tells what is wrong with it


def _beside(project_file: Path, written: str, place: Place) -> Path:
    """Return the path of a file named by the project, relative to it."""
    try:
        return (project_file.parent / written).resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise DefinitionError(f"'{written}' is no file name: {error}.", place=place) from None
