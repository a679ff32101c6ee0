"""What the operating system tells of caches: levels, sizes and who shares them, or nothing."""

from tinymm.cores.caches import caches, second_level


def test_caches_are_read(tmp_path):
    for i, (level, kind, size, cores) in enumerate([(3, "Unified", "266240K", "0-1,4"), (1, "Data", "48K", "0"),
                                                    (1, "Instruction", "32K", "0"), (2, "Unified", "2M", "0"),
                                                    (4, "Unified", "many", "0"), (5, "Unified", "", "0")]):
        folder = tmp_path / f"index{i}"
        folder.mkdir()
        for name, text in dict(level=level, type=kind, size=size, shared_cpu_list=cores).items():
            (folder / name).write_text(f"{text}\n")
    (tmp_path / "index9").mkdir()
    assert list(map(str, caches(tmp_path))) == ["L1 48 KB", "L2 2 MB", "L3 260 MB for 3 cores"]


def test_there_is_always_a_second_level():
    assert 2**14 <= second_level() <= 2**28
