"""Data sets in the tags of runs: what a run learned from and what it is scored on."""

from __future__ import annotations

from collections.abc import Mapping

from mnist_mlflow.data import DIGESTS, Dataset, Source

ADDRESS = "dataset_address"  # of a data set that is not found by its name: a path
ADDED = "added_digest"  # of somebody's own pictures that were learned from too
MEMBERS_ADDED = "members_added_digests"  # the same of the members of an ensemble, with commas between them
DATASET_TAGS = ("dataset", ADDRESS, *DIGESTS, "dataset_fallback")


def dataset_tags(dataset: Dataset) -> dict[str, str]:
    """The tags that tell what a run learned from and what it is scored on."""
    fallback = {"dataset_fallback": dataset.fallback} if dataset.fallback else {}
    return {**source_tags(dataset), **dataset.digests, **fallback}


def source_tags(source: Dataset | Source) -> dict[str, str]:
    """The tags that tell which data set it is, whatever part of it."""
    address = {ADDRESS: source.address} if source.address != source.name else {}
    return {"dataset": source.name, **address, "dataset_digest": source.digest}


def address_of(tags: Mapping[str, str]) -> str:
    """The address of the data set of a run; empty where its tags do not tell it."""
    return tags.get(ADDRESS) or tags.get("dataset", "")
