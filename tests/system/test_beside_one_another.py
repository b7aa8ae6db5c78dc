"""Two processes at once: both succeed, or one says that the other is at work; nothing is lost."""

import pytest

pytestmark = pytest.mark.slow

RUNNING = ("mobility", "run", "--project")
OTHER_SECRET = "3c" * 32


def test_two_projects_publish_at_once(begun, sample, finish, create, tmp_path) -> None:
    place = begun.copy(tmp_path)
    create(place, "other", OTHER_SECRET)
    imports = [place.start(*sample.importing), place.start(*sample.importing_into("other"))]
    assert [finish(process).code for process in imports] == [0, 0]
    runs = [place.start(*RUNNING, "sample"), place.start(*RUNNING, "other")]
    ended = [finish(process) for process in runs]
    assert [one.code for one in ended] == [0, 0], [one.err for one in ended]
    versions: dict[str, list[int]] = {}
    for one in ended:
        for line in one.out.splitlines():
            _, dataset, _, version, *_ = line.split()
            versions.setdefault(dataset, []).append(int(version.rstrip(":")))
    assert len(versions) == 5
    assert all(sorted(both) == [1, 2] for both in versions.values()), versions
    assert all(place.table("mobility.presence", tmp_path / "presence.csv"))
    assert place.leftovers() == []
    place.verify()


def test_two_different_imports_into_one_project_never_mix(begun, sample, finish, tmp_path) -> None:
    place = begun.copy(tmp_path)
    first, rest = sample.files[:1], sample.files[1:]
    commands = [sample.importing_into("sample", first), sample.importing_into("sample", rest)]
    ended = [finish(process) for process in [place.start(*command) for command in commands]]
    assert {one.code for one in ended} <= {0, 4}
    assert 0 in {one.code for one in ended}
    for one, command in zip(ended, commands, strict=True):
        if one.code == 4:
            assert "another import, run or erasure is at work on this project" in one.error
            place.run(*command)
    assert [report[0] for report in place.imports()] == [file.name for file in sample.files]
    assert place.leftovers() == []
    place.verify()


def test_the_same_run_twice_at_once_is_one_run(imported, undisturbed, finish, tmp_path) -> None:
    place = imported.copy(tmp_path)
    ended = [finish(process) for process in [place.start(*RUNNING, "sample"), place.start(*RUNNING, "sample")]]
    assert {one.code for one in ended} <= {0, 4}
    assert 0 in {one.code for one in ended}
    assert all("at work on this project" in one.error for one in ended if one.code)
    undisturbed.equals(place)


def test_a_run_beside_an_import_is_refused_or_refuses_it_and_harms_nothing(
    begun, sample, undisturbed, finish, tmp_path
) -> None:
    place = begun.copy(tmp_path)
    importing = place.start(*sample.importing)
    refused = place.attempt(*RUNNING, "sample")
    assert refused.code in (3, 4)
    assert "there are no events" in refused.error or "at work on this project" in refused.error
    ended = finish(importing)
    assert ended.code in (0, 4), ended.err
    if ended.code == 4:  # the run was there first, and found nothing
        assert "at work on this project" in ended.error
        place.run(*sample.importing)
    place.run(*RUNNING, "sample")
    undisturbed.equals(place)
