//! Which instance types may be bought: globs over names and families, architectures and sizes.

use globset::{Glob, GlobSet};

use crate::catalog::{Architecture, InstanceType};
use crate::units::{Bytes, MilliCpu};

/// Which instance types may be bought. Lists are shell globs over names or families; an empty list
/// of what is allowed allows everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TypeFilter {
    /// Globs over type names.
    pub include: Vec<String>,
    /// Globs over type names; exclusion wins.
    pub exclude: Vec<String>,
    /// Globs over families.
    pub families: Vec<String>,
    /// Allowed architectures; empty for all.
    pub architectures: Vec<Architecture>,
    /// The largest node.
    pub max_cpu: Option<MilliCpu>,
    /// The smallest node.
    pub min_cpu: Option<MilliCpu>,
    /// The most memory of a node.
    pub max_memory: Option<Bytes>,
    /// Without the types that the provider calls previous generation; a type of which the catalog
    /// says nothing stays.
    pub current_generation: bool,
}

/// A glob over type names or families that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{glob}` is not a valid glob: {reason}")]
pub struct InvalidGlob {
    /// As the user wrote it.
    pub glob: String,
    /// What is wrong with it.
    pub reason: String,
}

/// A filter whose globs are compiled, to be asked about many types.
#[derive(Debug, Clone)]
pub struct TypeMatcher<'a> {
    filter: &'a TypeFilter,
    include: GlobSet,
    exclude: GlobSet,
    families: GlobSet,
}

impl TypeFilter {
    /// Compiles the globs.
    ///
    /// # Errors
    /// The first glob that cannot be read.
    pub fn matcher(&self) -> Result<TypeMatcher<'_>, InvalidGlob> {
        Ok(TypeMatcher {
            filter: self,
            include: compile(&self.include)?,
            exclude: compile(&self.exclude)?,
            families: compile(&self.families)?,
        })
    }

    /// Whether it names types or families, so that nothing else is meant.
    pub fn names_types(&self) -> bool {
        !self.include.is_empty() || !self.families.is_empty()
    }

    /// Globs that no type of a catalog matches, slips of the pen often.
    ///
    /// # Errors
    /// The first glob that cannot be read.
    pub fn idle_globs(&self, types: &[InstanceType]) -> Result<Vec<&str>, InvalidGlob> {
        let by_name = self.include.iter().chain(&self.exclude).map(|glob| (glob, false));
        let mut idle = Vec::new();
        for (glob, by_family) in by_name.chain(self.families.iter().map(|glob| (glob, true))) {
            let set = compile(std::slice::from_ref(glob))?;
            if !types.iter().any(|t| set.is_match(if by_family { &t.family } else { &t.name })) {
                idle.push(glob.as_str());
            }
        }
        Ok(idle)
    }

    /// Whether a type may be bought; a filter with an invalid glob matches nothing, and
    /// [`TypeFilter::matcher`] says which. Compiles at every call: use the matcher for many types.
    pub fn matches(&self, machine: &InstanceType) -> bool {
        self.matcher().is_ok_and(|m| m.matches(machine))
    }
}

impl TypeMatcher<'_> {
    /// Whether a type may be bought.
    pub fn matches(&self, machine: &InstanceType) -> bool {
        let filter = self.filter;
        let in_list = |globs: &GlobSet, text: &str| globs.is_empty() || globs.is_match(text);
        in_list(&self.include, &machine.name)
            && in_list(&self.families, &machine.family)
            && !self.exclude.is_match(&machine.name)
            && (filter.architectures.is_empty() || filter.architectures.contains(&machine.architecture))
            && filter.max_cpu.is_none_or(|most| machine.cpu <= most)
            && filter.min_cpu.is_none_or(|least| machine.cpu >= least)
            && filter.max_memory.is_none_or(|most| machine.memory <= most)
            && !(filter.current_generation && machine.current_generation == Some(false))
    }
}

fn compile(globs: &[String]) -> Result<GlobSet, InvalidGlob> {
    let invalid =
        |glob: &str, e: &globset::Error| InvalidGlob { glob: glob.to_owned(), reason: e.kind().to_string() };
    let mut set = GlobSet::builder();
    for text in globs {
        set.add(Glob::new(text).map_err(|e| invalid(text, &e))?);
    }
    set.build().map_err(|e| invalid(&globs.join(", "), &e))
}
