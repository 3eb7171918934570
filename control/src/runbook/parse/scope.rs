//! The names that a place in a runbook may use.

use crate::{
    document::{Field, nearest},
    runbook::{
        book::{Param, ParamKind, ResourceKind},
        template::Template,
    },
};
use std::collections::{BTreeMap, BTreeSet};

/// Names that every run has.
const BUILT_IN: [&str; 3] = ["environment", "run.id", "run.started"];

/// What has been defined so far, reading from the top.
#[derive(Clone, Debug)]
pub struct Scope {
    names: BTreeSet<String>,
    resources: BTreeMap<String, ResourceKind>,
    /// Steps so far, and whether each has an undo.
    steps: BTreeMap<String, bool>,
}

impl Scope {
    /// The names that the parameters define, and the built-in ones.
    pub fn of_params(params: &[Param]) -> Self {
        let mut names: BTreeSet<String> = BUILT_IN.iter().map(|name| (*name).to_owned()).collect();
        names.extend(params.iter().map(|param| param.name.clone()));
        let resources = params.iter().filter_map(|param| match param.kind {
            ParamKind::Resource(kind) => Some((param.name.clone(), kind)),
            ParamKind::Text => None,
        });
        Self { names, resources: resources.collect(), steps: BTreeMap::new() }
    }

    /// The kind of the resource that a parameter names.
    pub fn resource(&self, name: &str) -> Option<ResourceKind> {
        self.resources.get(name).copied()
    }

    /// Defines the outputs of a step, for the steps after it.
    pub fn define(&mut self, step: &str, outputs: &[String]) {
        self.names.extend(outputs.iter().map(|output| format!("{step}.{output}")));
    }

    /// Notes a step. Returns false when its id is taken.
    pub fn add_step(&mut self, id: &str, has_undo: bool) -> bool {
        self.steps.insert(id.to_owned(), has_undo).is_none()
    }

    /// True for a step above.
    pub fn has_step(&self, id: &str) -> bool {
        self.steps.contains_key(id)
    }

    /// A text whose names are all defined.
    pub fn template(&self, field: &Field<'_>) -> Option<Template> {
        let text = field.text()?;
        self.template_of(field, &text)
    }

    /// As [`Scope::template`], of a part of the field's text.
    pub fn template_of(&self, field: &Field<'_>, text: &str) -> Option<Template> {
        let template = match Template::parse(text) {
            Ok(template) => template,
            Err(words) => return field.fault(words),
        };
        let mut sound = true;
        for name in template.names().filter(|name| !self.names.contains(*name)) {
            sound = false;
            let hint = match nearest(name, self.names.iter().map(String::as_str)) {
                Some(word) => format!("did you mean `${{{word}}}`?"),
                None => "no parameter and no step above defines it".to_owned(),
            };
            field.fault::<()>(format!("unknown name `${{{name}}}`; {hint}"));
        }
        sound.then_some(template)
    }

    /// `hold_scaling.undo`: the step's id, when it has an undo.
    pub fn undo_of(&self, field: &Field<'_>) -> Option<String> {
        let text = field.text()?;
        let Some(id) = text.strip_suffix(".undo") else {
            return field.fault(format!("`{text}` must be a step's undo, as `hold_scaling.undo`"));
        };
        match self.steps.get(id) {
            Some(true) => Some(id.to_owned()),
            Some(false) => field.fault(format!("step `{id}` has no undo")),
            None => field.fault(format!("there is no step `{id}`")),
        }
    }
}
