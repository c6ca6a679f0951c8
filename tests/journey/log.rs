//! Random journals: real-looking events, noise, and controls that are valid where they stand. The reference reads along,
//! because what may be marked, and what a model is made from, follows from what was found before.

use crate::draw::Draw;
use crate::reference::{Expected, Found, Reference, control_id, handle};
use std::collections::BTreeMap;
use std::sync::Arc;
use trustfold_event::control::{Control, ControlRecord, DECISION_VERSION, MarkScope};
use trustfold_event::documents::Disposition;
use trustfold_event::hash::HashKeys;
use trustfold_event::raw::{Batch, Format, Frame};
use trustfold_event::settings::DecisionSettings;
use trustfold_event::{Epoch, EventId, EventTime, Stamp};
use trustfold_model::{FitOptions, Model};
use trustfold_operators::control::ControlState;
use trustfold_operators::feature_table::FEATURE_VERSION;
use trustfold_operators::head::ModelHandle;
use trustfold_sources::generate::{Generator, GeneratorOptions, Record, to_syslog_3164, to_syslog_5424};

/// One frame of a journal, with what must come of it.
pub(crate) struct Step {
    pub(crate) frame: Arc<Frame>,
    pub(crate) model: Option<ModelHandle>,
    pub(crate) expected: Expected,
    /// The model that scores the frame's events.
    pub(crate) scored_by: Option<ModelHandle>,
    pub(crate) keys: HashKeys,
}

/// A question for a model, as it was put.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) marked: Vec<Vec<f32>>,
    pub(crate) settings: DecisionSettings,
    pub(crate) seed: u64,
}

/// A journal.
pub(crate) struct Log {
    pub(crate) steps: Vec<Step>,
    /// By the control that asked.
    pub(crate) asked: BTreeMap<EventId, Asked>,
}

/// Writes a journal, frame by frame.
pub(crate) struct Writer {
    pub(crate) draw: Draw,
    pub(crate) state: ControlState,
    pub(crate) log: Log,
    /// Anomalies of this generation, with their judgements.
    pub(crate) found: Vec<Found>,
    reference: Reference,
    generator: Generator,
    model: Option<ModelHandle>,
    clock: i64,
}

/// Few and small trees: what a forest is worth is tested elsewhere.
pub(crate) fn settings(draw: &mut Draw) -> DecisionSettings {
    let mut settings = DecisionSettings {
        contamination: *draw.one_of(&[0.01, 0.05, 0.15, 0.3]),
        trees: 6 + draw.below(8) as u32,
        tree_sample: 64,
        ..DecisionSettings::default()
    };
    let w = &mut settings.weights;
    for weight in [&mut w.process_start, &mut w.network_connection, &mut w.file_change, &mut w.login, &mut w.auth_failure] {
        *weight = *draw.one_of(&[0.0, 0.001, 0.25, 1.0, 3.5, 12.125]);
    }
    settings
}

impl Writer {
    /// A journal with its genesis.
    pub(crate) fn new(seed: u64) -> Self {
        let options =
            GeneratorOptions { seed, events: u64::MAX, entities: 12, anomaly_share: 0.04, ..GeneratorOptions::default() };
        let mut writer = Self {
            draw: Draw::new(seed),
            state: ControlState::default(),
            log: Log { steps: vec![], asked: BTreeMap::new() },
            found: vec![],
            reference: Reference::default(),
            clock: options.start.0,
            generator: Generator::new(options).unwrap(),
            model: None,
        };
        writer.genesis();
        writer
    }

    pub(crate) fn genesis(&mut self) {
        let (keys, settings) = (HashKeys::from_seed(self.draw.next()), settings(&mut self.draw));
        let generation = self.state.generation + 1;
        self.frame(vec![], Some(Control::Genesis { generation, keys, decision_version: DECISION_VERSION, settings }));
    }

    /// Writes a frame; a control must be valid.
    pub(crate) fn frame(&mut self, batches: Vec<Batch>, control: Option<Control>) {
        let epoch = Epoch(self.log.steps.len() as u64 + 1);
        let model = match &control {
            Some(Control::ModelAnnounced { asked_by, card, .. }) => {
                Some(self.fit(*asked_by).filter(|m| *m.digest == *card.digest).unwrap())
            }
            _ => None,
        };
        let control = control.map(|control| ControlRecord { actor: "test".into(), control });
        if let Some(record) = &control {
            assert_eq!(self.state.check(&record.control), Ok(()), "epoch {}", epoch.0);
            self.state.apply(epoch, record);
        }
        self.clock += 1_000;
        let frame = Arc::new(Frame { epoch, process: 0, stamp: Stamp(self.clock), batches, control });
        let expected = self.reference.take(&frame, model.as_ref());
        self.found.extend(expected.found.iter().cloned());
        let keys = self.state.keys.unwrap_or_else(|| self.log.steps.last().unwrap().keys);
        if let Some(sample) = &expected.sample {
            let asked =
                Asked { marked: self.state.marked_features(), settings: self.state.settings.clone(), seed: keys.training };
            self.log.asked.insert(sample.asked_by, asked);
        }
        let scored_by = self.model.clone();
        match frame.control.as_ref().map(|c| &c.control) {
            Some(Control::ModelAnnounced { .. }) => self.model = model.clone(),
            Some(Control::Reset) => {
                self.model = None;
                self.found.clear();
            }
            _ => {}
        }
        self.log.steps.push(Step { frame, model, expected, scored_by, keys });
    }

    /// A model from what the reference collected.
    fn fit(&self, asked_by: EventId) -> Option<ModelHandle> {
        let sample = self.log.steps.get(asked_by.epoch.0 as usize - 1)?.expected.sample.as_ref()?;
        let asked = self.log.asked.get(&asked_by)?;
        let mut set = sample.set.clone();
        let copies = (set.rows.len() / set.width / 256).max(1);
        asked.marked.iter().for_each(|row| (0..copies).for_each(|_| set.rows.extend(row)));
        set.marked_rows = asked.marked.len() as u64;
        let DecisionSettings { trees, tree_sample, contamination, .. } = asked.settings;
        Model::fit(&set, FitOptions { trees, tree_sample, contamination, seed: asked.seed, feature_version: FEATURE_VERSION })
            .ok()
            .map(handle)
    }

    /// The trainer's answer to the question that stands, if any does.
    pub(crate) fn answer(&self) -> Option<Control> {
        let asked_by = self.state.owed?;
        let session = self.log.steps[asked_by.epoch.0 as usize - 1].expected.sample.as_ref()?.session;
        Some(match self.fit(asked_by) {
            Some(handle) => Control::ModelAnnounced { session, asked_by, card: handle.model.card() },
            None => Control::TrainFailed { session, asked_by, reason: "too few rows".into() },
        })
    }

    /// So many events of normal life, with a few that are not, in one format.
    pub(crate) fn life(&mut self, n: u64, format: Format) -> Batch {
        let (from, to) = (self.clock, self.clock + (n as i64 + 1) * 20_000_000);
        let mut batch = Batch::new("test", "192.0.2.1", format);
        let (draw, mut line) = (&mut self.draw, Vec::new());
        self.generator.next_batch(EventTime(from), EventTime(to), n, |record: &Record| {
            line.clear();
            let written = match format {
                Format::Syslog if draw.one_in(2) => to_syslog_3164(record, &mut line),
                Format::Syslog => to_syslog_5424(record, &mut line),
                _ => {
                    record.write_json(&mut line);
                    true
                }
            };
            if written {
                batch.push(&line);
            }
        });
        self.clock = to;
        batch
    }

    /// Records that no sender ought to send, and some that are only odd.
    fn noise(&mut self, n: u64) -> Batch {
        let format = *self.draw.one_of(&[Format::Json, Format::Json, Format::Syslog, Format::Refused]);
        let draw = &mut self.draw;
        if format == Format::Refused {
            let mut batch = Batch::new("syslog_tcp", "192.0.2.9", Format::Refused);
            batch.push_refused("framing.length", "longer\nthan allowed", b"\xff12 <13>");
            return batch;
        }
        let mut batch = Batch::new("noise", "", format);
        for _ in 0..n {
            let who = *draw.one_of(&[
                r#""user":"ann""#,
                r#""user":"web1","host":"web1""#,
                r#""host":"web1""#,
                r#""src_ip":"203.0.113.7""#,
                r#""user":"","host":null"#,
                r#""user":"bob","host":"web1","src_ip":"2001:db8::1""#,
            ]);
            let behind = *draw.one_of(&[0, 0, 60, 4000, 20_000, -60, -301, -100_000]);
            let time = match draw.below(12) {
                0 => String::new(),
                1 => r#","timestamp":"1969-12-31T23:59:58Z""#.into(),
                _ => format!(r#","timestamp":"{}""#, EventTime(self.clock - behind * 1_000_000)),
            };
            let what =
                draw.one_of(&["process_start", "process_end", "file_change", "sudo_command", "login", "auth_failure", "dance"]);
            let with = *draw.one_of(&[
                "",
                r#","process_name":"vi""#,
                r#","command":"/bin/sh -i","success":false"#,
                r#","dst_port":"99999""#,
            ]);
            let text = match (format, draw.below(6)) {
                (Format::Json, 0) => (*draw.one_of(&["", "{", "[]", "{\"event_type\":3}", "\u{0}", "{} {}", "null"])).to_owned(),
                (Format::Json, _) => format!(r#"{{{who}{time},"event_type":"{what}"{with}}}"#),
                (_, 0) => (*draw.one_of(&["", "<999>x", "no header", "<13>1 - - - - -", "<13>1 2026-13-01T00:00:00Z a b - - -"]))
                    .to_owned(),
                (_, 1) => {
                    "<38>Mar  2 01:02:03 web1 sshd[7]: Failed password for invalid user ann from 203.0.113.7 port 22 ssh2".into()
                }
                (_, 2) => "<85>Mar  2 01:02:03 web1 sudo:      bob : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh".into(),
                _ => format!("<13>1 {} web1 cron 12 - - job done", EventTime(self.clock)),
            };
            batch.push(text.as_bytes());
        }
        if draw.one_in(4) {
            batch.push(b"\xff\xfe{");
        }
        batch
    }

    /// The records of a random frame.
    pub(crate) fn records(&mut self) -> Vec<Batch> {
        let mut batches = vec![];
        for _ in 0..self.draw.below(4) {
            let n = match self.draw.below(30) {
                0 => 2600,
                1..8 => 150,
                8..24 => self.draw.below(40),
                _ => 0,
            };
            let format = *self.draw.one_of(&[Format::Json, Format::Json, Format::Syslog]);
            let batch = if self.draw.one_in(3) {
                let n = n.min(12);
                self.noise(n)
            } else {
                self.life(n, format)
            };
            batches.push(batch);
        }
        batches
    }

    /// A control that may stand here, likelier where it leads somewhere.
    pub(crate) fn control(&mut self) -> Option<Control> {
        let trained = self.model.is_some();
        for _ in 0..4 {
            let control = match self.draw.below(24) {
                0..3 if !trained || self.draw.one_in(4) => Control::TrainStart,
                3..6 => Control::TrainStop,
                6..10 => self.answer()?,
                10..13 => Control::LiveStart,
                13 if self.draw.one_in(2) => Control::LiveStop,
                14..18 => self.mark()?,
                18..20 => {
                    let marks: Vec<EventId> = self.state.marks.keys().copied().collect();
                    let mark = if marks.is_empty() { control_id(1) } else { *self.draw.one_of(&marks) };
                    Control::UndoMark { mark }
                }
                20 => {
                    let settings = DecisionSettings { warn_below: self.state.settings.warn_below, ..settings(&mut self.draw) };
                    Control::Settings { settings }
                }
                21 if self.draw.one_in(2) => {
                    let (active, any) = (self.state.active.map(|(_, id)| id), self.draw.one_in(2));
                    Control::SessionClose { session: if any { control_id(2) } else { active? } }
                }
                22 => self.label()?,
                23 if self.draw.one_in(3) => Control::Reset,
                _ => continue,
            };
            let hasty = matches!(control, Control::TrainStop) && self.draw.one_in(2);
            if !hasty && self.state.check(&control).is_ok() {
                return Some(control);
            }
        }
        None
    }

    /// A mark of one anomaly, or of all in its session that show its pattern.
    pub(crate) fn mark(&mut self) -> Option<Control> {
        if self.found.is_empty() {
            return None;
        }
        let chosen = self.draw.one_of(&self.found).clone();
        let scope = *self.draw.one_of(&[MarkScope::Anomaly, MarkScope::Pattern]);
        let meant = |f: &&Found| match scope {
            MarkScope::Anomaly => f.marked.row.anomaly == chosen.marked.row.anomaly,
            MarkScope::Pattern => {
                f.pattern == chosen.pattern
                    && f.marked.row.session_id == chosen.marked.row.session_id
                    && !self.state.retracted.contains_key(&f.marked.row.anomaly)
            }
        };
        let anomalies = self.found.iter().filter(meant).map(|f| f.marked.clone()).collect();
        Some(Control::MarkNormal { anomalies, pattern: chosen.pattern, scope, comment: String::new() })
    }

    fn label(&mut self) -> Option<Control> {
        if self.found.is_empty() {
            return None;
        }
        let known = self.draw.one_of(&self.found).marked.clone();
        let disposition = *self.draw.one_of(&[None, Some(Disposition::TruePositive), Some(Disposition::BenignTruePositive)]);
        Some(Control::Label { anomaly: known.row.anomaly, disposition, before: known.disposition, comment: String::new() })
    }

    /// Writes a frame with a control, and keeps the judgements that follow from it.
    pub(crate) fn decide(&mut self, batches: Vec<Batch>, control: Option<Control>) {
        let judged: Vec<(EventId, Option<Disposition>)> = match &control {
            Some(Control::MarkNormal { anomalies, .. }) => {
                anomalies.iter().map(|a| (a.row.anomaly, Some(Disposition::FalsePositive))).collect()
            }
            Some(Control::UndoMark { mark }) => self.state.marks[mark].anomalies.iter().map(|a| (a.row.anomaly, None)).collect(),
            Some(Control::Label { anomaly, disposition, .. }) => vec![(*anomaly, *disposition)],
            _ => vec![],
        };
        for (id, disposition) in judged {
            self.found.iter_mut().filter(|f| f.marked.row.anomaly == id).for_each(|f| f.marked.disposition = disposition);
        }
        let reset = control == Some(Control::Reset);
        self.frame(batches, control);
        if reset {
            self.genesis();
        }
    }

    /// Trains on normal life and goes live.
    pub(crate) fn go_live(&mut self) {
        self.frame(vec![], Some(Control::TrainStart));
        let batch = self.life(700, Format::Json);
        self.frame(vec![batch], Some(Control::TrainStop));
        let model = self.answer();
        self.frame(vec![], model);
        self.frame(vec![], Some(Control::LiveStart));
    }
}

/// A journal of so many random frames.
pub(crate) fn random(seed: u64, frames: usize) -> Log {
    let mut writer = Writer::new(seed);
    if !seed.is_multiple_of(3) {
        writer.go_live();
    }
    while writer.log.steps.len() < frames {
        let batches = writer.records();
        // Rows that are found in a frame can be marked from the next one on.
        let control = if writer.draw.one_in(2) { writer.control() } else { None };
        writer.decide(batches, control);
    }
    writer.log
}

/// How often each control came, to see that a set of journals is no trivial one.
pub(crate) fn census<'l>(logs: impl Iterator<Item = &'l Log>) -> BTreeMap<&'static str, usize> {
    let mut census = BTreeMap::new();
    for step in logs.flat_map(|log| &log.steps) {
        if let Some(record) = &step.frame.control {
            *census.entry(record.control.name()).or_default() += 1;
        }
        *census.entry("anomaly").or_default() += step.expected.findings.len();
        *census.entry("rejected").or_default() += step.expected.rejected.len();
        *census.entry("event").or_default() += step.expected.decided.len();
        let suppressed =
            |d: &&trustfold_operators::output::Decided| d.verdict == trustfold_operators::output::Verdict::Suppressed;
        *census.entry("suppressed").or_default() += step.expected.decided.iter().filter(suppressed).count();
    }
    census
}
