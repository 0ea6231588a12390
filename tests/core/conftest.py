"""Hypothesis under mutmut: a mutant is killed by the first failure, so nobody waits for the smallest one."""

from pathlib import Path

from hypothesis import Phase, settings

settings.register_profile("mutation", phases=(Phase.explicit, Phase.generate), derandomize=True, database=None)
if "mutants" in Path(__file__).parts:  # where mutmut copies everything
    settings.load_profile("mutation")
