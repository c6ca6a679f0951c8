//! What is not normal: single events and campaigns of many, each with its label.

use super::catalogue::{IMPLANTS, PROJECTS, RARE_SUDO, STEMS};
use super::daily::{Session, folder_into, uuid, wait};
use super::options::GeneratorError;
use super::population::{Place, Population, percent, refused, weighted};
use super::record::{AnomalyKind, Label, Record, put};
use super::rhythm::Rhythm;
use rand::RngExt;
use rand_distr::{Distribution, Normal, Poisson};
use rand_pcg::Pcg64;
use std::cmp::Ordering;
use trustfold_event::kind::EventType;

/// How often each kind begins, in the order of [`AnomalyKind::ALL`]. Most labelled events belong to campaigns, although few
/// anomalies are campaigns.
const BEGINNINGS: [u32; 6] = [25, 20, 15, 500, 400, 40];

/// A campaign's mean number of events above the least, and the least, by kind.
const LENGTHS: [(f64, u16); 6] = [(25.0, 12), (45.0, 20), (60.0, 40), (0.0, 1), (0.0, 1), (20.0, 12)];

/// The ports that a scan tries first.
const PORTS: [u16; 24] =
    [21, 22, 23, 25, 53, 80, 110, 111, 135, 139, 143, 389, 443, 445, 993, 1433, 1521, 2049, 3306, 3389, 5432, 5900, 6379, 8080];

/// How far a beacon's intervals stray, as a share of the interval.
const BEACON_JITTER: f64 = 0.08;

/// An anomaly under way.
#[derive(Clone, Copy)]
pub(super) struct Campaign {
    kind: AnomalyKind,
    number: Option<u64>,
    /// The one who is attacked, or who attacks.
    user: u32,
    origin: Place,
    target: Place,
    left: u16,
    step: u16,
    /// The mean seconds between two events.
    pace_secs: f64,
    session: u128,
    /// Picks a variant: a command, a port, an implant.
    variant: u16,
}

/// A campaign's next event; the earliest is the greatest, as a heap wants it.
pub(super) struct Due {
    pub(super) at: i64,
    pub(super) sequence: u64,
    pub(super) campaign: Campaign,
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.sequence).cmp(&(self.at, self.sequence))
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Due {}

/// Begins anomalies.
pub(super) struct Anomalies {
    lengths: Vec<Option<Poisson<f64>>>,
    jitter: Normal<f64>,
}

impl Anomalies {
    pub(super) fn new() -> Result<Self, GeneratorError> {
        let length = |(mean, _): (f64, u16)| (mean > 0.0).then(|| Poisson::new(mean).map_err(refused)).transpose();
        let lengths = LENGTHS.into_iter().map(length).collect::<Result<_, _>>()?;
        Ok(Self { lengths, jitter: Normal::new(1.0, BEACON_JITTER).map_err(refused)? })
    }

    /// A new anomaly and its number of events. `number` is for a campaign.
    pub(super) fn begin(
        &self,
        population: &Population,
        sessions: &[Session],
        (rhythm, slot): (&Rhythm, usize),
        number: u64,
        rng: &mut Pcg64,
    ) -> (Campaign, u16) {
        let at = weighted(&BEGINNINGS, rng);
        let kind = AnomalyKind::ALL[at];
        // The busy and the quiet are hit alike.
        let user = if percent(50, rng) { population.at_work(rhythm, slot, rng) } else { population.anybody(rng) };
        let (session, place) = sessions[user as usize].open().unwrap_or_else(|| (uuid(rng), Place::Workstation(user)));
        let foreign = Place::Foreign(rng.random_range(0..3000));
        let left = LENGTHS[at].1 + self.lengths[at].as_ref().map_or(0, |length| length.sample(rng).min(1000.0) as u16);
        let server = population.any_server(rng);
        let (origin, target, pace_secs) = match kind {
            AnomalyKind::BruteForce => (foreign, server, rng.random_range(0.3..2.0)),
            AnomalyKind::PortScan => (place, server, rng.random_range(0.02..0.2)),
            AnomalyKind::MassFileChange => (place, place, rng.random_range(0.05..0.5)),
            AnomalyKind::RareSudo => (place, place, 0.0),
            AnomalyKind::ForeignLogin => (foreign, if percent(50, rng) { server } else { Place::Workstation(user) }, 0.0),
            AnomalyKind::C2Beacon => (place, foreign, rng.random_range(20.0..300.0)),
        };
        let number = (LENGTHS[at].1 > 1).then_some(number);
        let variant = rng.random();
        (Campaign { kind, number, user, origin, target, left, step: 0, pace_secs, session, variant }, left)
    }

    /// Writes the campaign's next event. Says how many microseconds later it goes on; `None` once it has ended.
    pub(super) fn go_on(
        &self,
        population: &Population,
        campaign: &mut Campaign,
        index: u64,
        rng: &mut Pcg64,
        record: &mut Record,
    ) -> Option<i64> {
        let c = *campaign;
        campaign.step += 1;
        campaign.left = c.left.saturating_sub(1);
        population.name(c.user, &mut record.user);
        record.session_id = Some(c.session);
        record.label = Some(Label { index, kind: c.kind, campaign: c.number });
        c.origin.address(&mut record.src_ip);
        let variant = usize::from(c.variant);
        match c.kind {
            AnomalyKind::BruteForce | AnomalyKind::ForeignLogin => {
                c.target.name(&mut record.host);
                c.target.address(&mut record.dst_ip);
                record.process_name.push_str("sshd");
                // One brute force of three finds the password in the end.
                let succeeds = c.kind == AnomalyKind::ForeignLogin || (c.left <= 1 && variant % 3 == 0);
                record.event_type = if succeeds { EventType::Login } else { EventType::AuthFailure };
                record.success = Some(succeeds);
            }
            AnomalyKind::PortScan => {
                record.event_type = EventType::NetworkConnection;
                c.origin.name(&mut record.host);
                c.target.address(&mut record.dst_ip);
                record.process_name.push_str(if variant % 2 == 0 { "nmap" } else { "python3" });
                let port = PORTS.get(usize::from(c.step)).copied().unwrap_or(c.variant.wrapping_add(c.step * 7) | 1024);
                record.dst_port = Some(port);
                record.success = Some(percent(8, rng));
            }
            AnomalyKind::MassFileChange => {
                record.event_type = EventType::FileChange;
                c.origin.name(&mut record.host);
                record.process_name.push_str(["python3", "7z", "openssl", "svchelper"][variant % 4]);
                let role = population.members[c.user as usize].role();
                let step = usize::from(c.step);
                folder_into(population, c.user, role.folders[step % role.folders.len()], &mut record.path);
                let (project, stem) = (PROJECTS[step / 7 % PROJECTS.len()], STEMS[step % STEMS.len()]);
                let extension = role.extensions[step % role.extensions.len()];
                let suffix = [".locked", ".enc", ".crypt", ""][variant % 4];
                put(&mut record.path, format_args!("/{project}/{stem}{}.{extension}{suffix}", step + 1));
            }
            AnomalyKind::RareSudo => {
                record.event_type = EventType::SudoCommand;
                c.origin.name(&mut record.host);
                record.process_name.push_str("sudo");
                record.command.push_str(RARE_SUDO[variant % RARE_SUDO.len()]);
                record.success = Some(population.members[c.user as usize].sudoer || variant % 3 == 0);
            }
            AnomalyKind::C2Beacon => {
                record.event_type = EventType::NetworkConnection;
                c.origin.name(&mut record.host);
                c.target.address(&mut record.dst_ip);
                let (name, path) = IMPLANTS[variant % IMPLANTS.len()];
                record.process_name.push_str(name);
                record.path.push_str(path);
                record.dst_port = Some([443, 8443, 8080, 53][variant / 4 % 4]);
                record.success = Some(!percent(3, rng));
            }
        }
        (campaign.left > 0).then(|| match c.kind {
            AnomalyKind::C2Beacon => (c.pace_secs * self.jitter.sample(rng).clamp(0.5, 1.5) * 1_000_000.0) as i64,
            _ => wait(c.pace_secs, rng),
        })
    }
}
