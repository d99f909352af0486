import shutil
from pathlib import Path

import numpy as np
import pytest

from mnist_mlflow.data import load_dataset, open_source
from mnist_mlflow.data.own.opening import open_own
from mnist_mlflow.data.source import digest_of
from mnist_mlflow.errors import DataError, UsageError
from mnist_mlflow.types import silent
from tests.data.test_idx import idx
from tests.pictures import EACH, few_digits, write_folder, write_png


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "mine")


def write_table(folder: Path) -> Path:
    lines = [f"{path.name},{path.parent.name}" for path in sorted(write_folder(folder / "by class").glob("*/*"))]
    for path in folder.glob("by class/*/*"):
        path.rename(folder / path.name)
    shutil.rmtree(folder / "by class")
    (folder / "labels.csv").write_text("\n".join(["file,label", *lines]))
    return folder


def write_npz(folder: Path) -> Path:
    digits = few_digits()
    np.savez(folder / "mine.npz", x=digits.images, y=digits.labels)
    return folder / "mine.npz"


def write_idx(folder: Path) -> Path:
    digits = few_digits()
    (folder / "train-images-idx3-ubyte").write_bytes(idx(digits.images))
    (folder / "train-labels-idx1-ubyte").write_bytes(idx(digits.labels))
    return folder


@pytest.mark.parametrize("write", [write_folder, write_table, write_npz, write_idx])
def test_the_same_digits_in_any_form_are_the_same_data_set(write: object, tmp_path: Path) -> None:
    assert callable(write)
    source = open_source(str(write(tmp_path)), silent)
    assert source.digest == digest_of(few_digits())
    assert len(source.files) == len(source.learning) == 10 * EACH


def test_a_data_set_is_called_like_its_folder(folder: Path) -> None:
    source = open_source(str(folder), silent)
    assert (source.name, source.address, source.test) == ("mine", str(folder), None)
    assert source.files[:2] == ("0/000.png", "0/001.png")


def test_a_test_part_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    write_folder(folder / "train")
    for number, image in enumerate(few_digits(EACH + 1).images[EACH :: EACH + 1]):
        write_png(folder / "test" / str(number) / "last.png", image)
    source, loaded = open_source(str(folder), silent), load_dataset(str(folder))
    assert np.array_equal(loaded.test.labels, range(10))
    assert len(loaded.train) + len(loaded.tuning) + len(loaded.validation) == 10 * EACH
    assert source.files[-1] == "test/9/last.png"
    assert np.array_equal(source.whole.images[-10:], loaded.test.images)


def test_test_images_alone_are_a_whole(tmp_path: Path) -> None:
    write_folder(tmp_path / "test")
    assert open_source(str(tmp_path), silent).test is None


class TestDuplicates:
    def test_a_picture_counts_once(self, folder: Path) -> None:
        shutil.copy(folder / "3" / "045.png", folder / "3" / "copy.png")
        collection = open_own(folder, silent)
        assert len(collection.files) == 10 * EACH
        assert [tuple(one) for one in collection.skipped] == [("3/copy.png", "the same picture as 3/045.png")]

    def test_a_picture_with_two_labels_does_not_count(self, folder: Path) -> None:
        shutil.copy(folder / "3" / "045.png", folder / "5" / "wrong.png")
        collection = open_own(folder, silent)
        assert len(collection.files) == 10 * EACH - 1
        assert dict(collection.skipped) == {
            "3/045.png": "its label is 3, and it is the same picture as 5/wrong.png with the label 5",
            "5/wrong.png": "its label is 5, and it is the same picture as 3/045.png with the label 3",
        }

    def test_what_somebody_has_to_mend_comes_first(self, folder: Path) -> None:
        shutil.copy(folder / "3" / "045.png", folder / "3" / "copy.png")
        shutil.copy(folder / "5" / "075.png", folder / "6" / "wrong.png")
        for name in ("0/notes.txt", "1/bad.png", "readme.md"):
            (folder / name).write_bytes(b"no picture")
        skipped = [one.file for one in open_own(folder, silent).skipped]
        assert skipped == ["5/075.png", "6/wrong.png", "1/bad.png", "readme.md", "0/notes.txt", "3/copy.png"]

    def test_a_picture_of_the_test_part_stays_there(self, tmp_path: Path) -> None:
        write_folder(tmp_path / "train")
        (tmp_path / "test" / "3").mkdir(parents=True)
        shutil.copy(tmp_path / "train" / "3" / "045.png", tmp_path / "test" / "3" / "same.png")
        collection = open_own(tmp_path, silent)
        assert dict(collection.skipped) == {"train/3/045.png": "the same picture as test/3/same.png"}
        assert collection.is_test.sum() == 1

    def test_blank_pictures_stay(self, folder: Path) -> None:
        for digit in "34":
            write_png(folder / digit / "blank.png", np.zeros((28, 28), np.uint8))
        assert len(open_own(folder, silent).files) == 10 * EACH + 2

    @pytest.mark.parametrize("base", ["", "digits+"])
    def test_blank_pictures_teach_nothing(self, folder: Path, base: str) -> None:
        for digit in "34":
            write_png(folder / digit / "blank.png", np.zeros((28, 28), np.uint8))
        source, loaded = open_source(f"{base}{folder}", silent), load_dataset(f"{base}{folder}")
        assert all(part.images.any(axis=(1, 2)).all() for part in (loaded.train, loaded.tuning, loaded.validation))
        blanks = {file: reason for file, reason in loaded.skipped if file.endswith("blank.png")}
        assert blanks == dict.fromkeys(["3/blank.png", "4/blank.png"], "no digit was found in it")
        assert (loaded.digest, loaded.added_digest) == (source.digest, digest_of(source.added) if source.added else "")

    def test_too_few_pictures_are_told_with_what_was_left_out(self, tmp_path: Path) -> None:
        write_png(tmp_path / "3" / "blank.png", np.zeros((28, 28), np.uint8))
        words = r"0 of 9; accepted .* Left out: 1, the first 3/blank.png: no digit was found in it\. Add pictures"
        with pytest.raises(DataError, match=words):
            load_dataset(str(tmp_path))


def test_corrupt_pictures_among_good_ones_are_left_out_with_the_reason(folder: Path) -> None:
    (folder / "3" / "bad.png").write_bytes(b"no picture")
    source = open_source(str(folder), silent)
    assert source.digest == digest_of(few_digits())
    ((file, reason),) = source.skipped
    assert file == "3/bad.png"
    assert "no picture" in reason


class TestRefusals:
    def test_a_path_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(
            UsageError, match=r"data=.*/nothing: there is no such file or folder; accepted are a folder"
        ):
            open_source(str(tmp_path / "nothing"), silent)

    def test_a_device(self) -> None:
        with pytest.raises(DataError, match="/dev/zero is neither a file nor a folder; accepted are a folder"):
            open_source("/dev/zero", silent)

    @pytest.mark.parametrize("name", ["mine.txt", "mine.npz", "train-images-idx3-ubyte"])
    def test_a_file_of_another_kind(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).write_text("something else")
        with pytest.raises(DataError, match=rf"{name} is no data set; accepted are a folder .* and an \.npz file"):
            open_source(str(tmp_path / name), silent)

    def test_nothing_but_corrupt_pictures(self, tmp_path: Path) -> None:
        (tmp_path / "3").mkdir()
        (tmp_path / "3" / "bad.png").write_bytes(b"no picture")
        with pytest.raises(DataError, match=r"has no picture .*3/bad\.png: .*no picture"):
            open_source(str(tmp_path), silent)

    def test_folders_without_pictures(self, tmp_path: Path) -> None:
        (tmp_path / "3").mkdir()
        with pytest.raises(DataError, match="its folders: they are empty"):
            open_source(str(tmp_path), silent)

    def test_a_folder_that_may_not_be_read(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(self: Path) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "iterdir", refuse)
        with pytest.raises(DataError, match=r"mine cannot be read: Permission denied\."):
            open_source(str(folder), silent)

    def test_a_class_with_too_few_pictures_to_split(self, folder: Path) -> None:
        shutil.rmtree(folder / "7")
        next((folder / "4").iterdir()).unlink()
        next((folder / "4").iterdir()).unlink()
        with pytest.raises(
            DataError, match=rf"it has 13 of 4, 0 of 7; accepted are 14 pictures of each .* data=mnist\+{folder}"
        ):
            load_dataset(str(folder))

    def test_a_train_size_where_there_are_few(self, folder: Path) -> None:
        with pytest.raises(UsageError, match=r"accepted: 0 \(all\), for example train_size=0"):
            load_dataset(str(folder), train_size=100)


class TestAdded:
    def test_all_of_them_teach_and_the_rest_is_as_it_was(self, folder: Path) -> None:
        mine, digits, both = (load_dataset(data) for data in (str(folder), "digits", f"digits+{folder}"))
        assert (both.name, both.address) == ("digits+mine", f"digits+{folder}")
        assert both.digests == {**digits.digests, "added_digest": mine.digest}
        for part in ("tuning", "validation", "test"):
            assert np.array_equal(getattr(both, part).images, getattr(digits, part).images)
        assert np.array_equal(both.train.images, np.concatenate([digits.train.images, few_digits().images]))
        assert np.array_equal(both.train.labels, np.concatenate([digits.train.labels, few_digits().labels]))

    def test_images_that_others_are_scored_on_teach_nobody(self, tmp_path: Path) -> None:
        digits, mine = load_dataset("digits"), few_digits()
        images = np.concatenate([mine.images, digits.validation.images[:1]])
        np.savez(tmp_path / "mine.npz", x=images, y=[*mine.labels, digits.validation.labels[0]])
        both = load_dataset(f"digits+{tmp_path / 'mine.npz'}")
        assert len(both.train) == len(digits.train) + len(mine)
        assert both.skipped == [(f"x[{len(mine)}]", "the same picture is in the data set already")]

    def test_a_test_part_of_theirs_stays_apart(self, tmp_path: Path) -> None:
        write_folder(tmp_path / "train")
        write_png(tmp_path / "test" / "3" / "one.png", few_digits(EACH + 1).images[-1])
        both = load_dataset(f"digits+{tmp_path}")
        assert len(both.train) == len(load_dataset("digits").train) + 10 * EACH

    def test_fewer_are_drawn_from_both(self, folder: Path) -> None:
        both = load_dataset(f"digits+{folder}", train_size=200)
        assert len(both.train) == 200
        assert both.digests == load_dataset(f"digits+{folder}").digests

    def test_few_pictures_of_few_digits_are_enough(self, folder: Path) -> None:
        shutil.rmtree(folder / "7")
        assert load_dataset(f"digits+{folder}").added_digest
