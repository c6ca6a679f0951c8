//! Normal life: sessions that begin, are busy for a while, and end.

use super::catalogue::{PROJECTS, Program, STEMS};
use super::options::GeneratorError;
use super::population::{HABITS, Place, Population, percent, refused, weighted};
use super::record::{Record, put};
use rand::RngExt;
use rand_distr::{Distribution, Exp1, Poisson, Zipf};
use rand_pcg::Pcg64;
use trustfold_event::kind::EventType;

/// How many processes of a session can be seen to end.
const RUNNING_MAX: usize = 4;

/// Of a hundred: logins with a mistyped password first, activities that are not a habit.
const MISTYPED_PERCENT: u32 = 4;
const UNUSUAL_PERCENT: u32 = 2;

const MICROS_A_SECOND: f64 = 1_000_000.0;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Closed,
    Mistyped,
    Open,
}

/// What one user is doing.
#[derive(Clone, Copy)]
pub(super) struct Session {
    id: u128,
    place: Place,
    /// Activities until the logout.
    left: u16,
    phase: Phase,
    running: [u8; RUNNING_MAX],
    running_len: u8,
}

impl Session {
    pub(super) const CLOSED: Self =
        Self { id: 0, place: Place::Workstation(0), left: 0, phase: Phase::Closed, running: [0; RUNNING_MAX], running_len: 0 };

    pub(super) fn is_closed(&self) -> bool {
        self.phase == Phase::Closed
    }

    /// Its id and place, while it is open.
    pub(super) fn open(&self) -> Option<(u128, Place)> {
        (self.phase == Phase::Open).then_some((self.id, self.place))
    }
}

/// A UUID of version 4 (RFC 9562 §5.4).
pub(super) fn uuid(rng: &mut Pcg64) -> u128 {
    let mut bytes = rng.random::<u128>().to_be_bytes();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    u128::from_be_bytes(bytes)
}

/// A wait in microseconds, exponentially distributed.
pub(super) fn wait(mean_secs: f64, rng: &mut Pcg64) -> i64 {
    let e: f64 = Exp1.sample(rng);
    (e * mean_secs * MICROS_A_SECOND) as i64
}

/// Everybody's sessions.
pub(super) struct Daily {
    pub(super) sessions: Vec<Session>,
    /// How many activities a session has, by role.
    lengths: Vec<Poisson<f64>>,
    /// Which of a folder's files.
    files: Zipf<f64>,
}

impl Daily {
    pub(super) fn new(population: &Population) -> Result<Self, GeneratorError> {
        let lengths = super::catalogue::ROLES.iter().map(|role| Poisson::new(role.activities).map_err(refused));
        Ok(Self {
            sessions: vec![Session::CLOSED; population.members.len()],
            lengths: lengths.collect::<Result<_, _>>()?,
            files: Zipf::new(60.0, 1.1).map_err(refused)?,
        })
    }

    /// Writes the next event of a user's session, opening it where it is closed. Says how many microseconds later the
    /// session goes on; `None` once it has ended.
    pub(super) fn go_on(&mut self, population: &Population, user: u32, rng: &mut Pcg64, record: &mut Record) -> Option<i64> {
        let role = population.members[user as usize].role();
        let mut session = self.sessions[user as usize];
        let gap;
        if session.phase == Phase::Closed {
            session = self.begin(population, user, rng);
            if role.service {
                session.phase = Phase::Open;
            }
        }
        match session.phase {
            Phase::Closed | Phase::Mistyped => {
                let again = if session.phase == Phase::Closed { MISTYPED_PERCENT } else { MISTYPED_PERCENT * 4 };
                let failed = percent(again, rng);
                authentication(
                    population,
                    user,
                    &session,
                    if failed { EventType::AuthFailure } else { EventType::Login },
                    record,
                );
                session.phase = if failed { Phase::Mistyped } else { Phase::Open };
                gap = Some(1_500_000 + wait(3.0, rng));
            }
            Phase::Open if session.left > 0 => {
                self.activity(population, user, &mut session, rng, record);
                session.left -= 1;
                gap = (session.left > 0 || !role.service).then(|| wait(role.gap_secs, rng));
            }
            Phase::Open => {
                authentication(population, user, &session, EventType::Logout, record);
                gap = None;
            }
        }
        if gap.is_none() {
            session.phase = Phase::Closed;
        }
        self.sessions[user as usize] = session;
        gap
    }

    /// Writes an event more of a session that is not closed, out of turn.
    pub(super) fn extra(&mut self, population: &Population, user: u32, rng: &mut Pcg64, record: &mut Record) {
        let mut session = self.sessions[user as usize];
        if session.phase == Phase::Mistyped {
            authentication(population, user, &session, EventType::AuthFailure, record);
        } else {
            self.activity(population, user, &mut session, rng, record);
        }
        self.sessions[user as usize] = session;
    }

    fn begin(&self, population: &Population, user: u32, rng: &mut Pcg64) -> Session {
        let member = &population.members[user as usize];
        let on_server = percent(member.role().on_server_percent, rng);
        let place = if on_server {
            population.server(user, rng.random_range(0..HABITS as u32) as usize)
        } else {
            Place::Workstation(user)
        };
        let length = self.lengths[member.role_at()].sample(rng);
        Session { id: uuid(rng), place, left: 1 + length.min(5000.0) as u16, ..Session::CLOSED }
    }

    fn activity(&self, population: &Population, user: u32, session: &mut Session, rng: &mut Pcg64, record: &mut Record) {
        let member = &population.members[user as usize];
        let role = member.role();
        population.name(user, &mut record.user);
        session.place.name(&mut record.host);
        session.place.address(&mut record.src_ip);
        record.session_id = Some(session.id);
        let usual = !percent(UNUSUAL_PERCENT, rng);
        let habit = rng.random_range(0..HABITS as u32) as usize;
        let at = if usual { member.programs[habit] } else { rng.random_range(0..role.programs.len() as u32) as u8 };
        let program = &role.programs[usize::from(at) % role.programs.len()];
        match weighted(&role.mix, rng) {
            1 if session.running_len > 0 => {
                session.running_len -= 1;
                let ended = session.running[usize::from(session.running_len)];
                record.event_type = EventType::ProcessEnd;
                program_into(&role.programs[usize::from(ended) % role.programs.len()], record);
                record.success = Some(!percent(2, rng));
            }
            2 => {
                record.event_type = EventType::NetworkConnection;
                record.process_name.push_str(program.name);
                self.peer(population, user, habit, usual, rng, record);
                if record.dst_ip == record.src_ip {
                    record.dst_ip.clear();
                    record.dst_ip.push_str("127.0.0.1");
                }
                record.success = Some(rng.random_range(0..200) > 2);
            }
            3 => {
                record.event_type = EventType::SudoCommand;
                record.process_name.push_str("sudo");
                // The lesser of two draws: earlier commands are run more often.
                let draw = |rng: &mut Pcg64| rng.random_range(0..role.sudo.len());
                record.command.push_str(role.sudo[draw(rng).min(draw(rng))]);
                record.success = Some(member.sudoer && !percent(1, rng));
            }
            4 => {
                record.event_type = EventType::FileChange;
                record.process_name.push_str(program.name);
                let folder = role.folders[habit % role.folders.len()];
                let extension = role.extensions[rng.random_range(0..role.extensions.len())];
                folder_into(population, user, folder, &mut record.path);
                let file = self.files.sample(rng) as u32;
                let (project, stem) =
                    (PROJECTS[usize::from(member.project) % PROJECTS.len()], STEMS[file as usize % STEMS.len()]);
                put(&mut record.path, format_args!("/{project}/{stem}{file}.{extension}"));
            }
            _ => {
                record.event_type = EventType::ProcessStart;
                program_into(program, record);
                let arguments = program.arguments[rng.random_range(0..program.arguments.len())];
                record.command.push_str(program.path);
                if !arguments.is_empty() {
                    record.command.push(' ');
                    record.command.push_str(arguments);
                }
                if usize::from(session.running_len) < RUNNING_MAX {
                    session.running[usize::from(session.running_len)] = at;
                    session.running_len += 1;
                }
            }
        }
    }

    /// The other end of a connection.
    fn peer(&self, population: &Population, user: u32, habit: usize, usual: bool, rng: &mut Pcg64, record: &mut Record) {
        let member = &population.members[user as usize];
        let role = member.role();
        if !usual {
            population.any_server(rng).address(&mut record.dst_ip);
            record.dst_port = Some(role.peers[rng.random_range(0..role.peers.len())].1);
        } else if role.service || percent(60, rng) {
            population.server(user, habit).address(&mut record.dst_ip);
            let (peer, _) = member.servers[habit];
            record.dst_port = Some(role.peers[usize::from(peer) % role.peers.len()].1);
        } else {
            Place::Internet(member.internet[habit]).address(&mut record.dst_ip);
            record.dst_port = Some(if percent(95, rng) { 443 } else { 80 });
        }
    }
}

/// A login, a logout or a failure, from where the user sits.
fn authentication(population: &Population, user: u32, session: &Session, event_type: EventType, record: &mut Record) {
    record.event_type = event_type;
    population.name(user, &mut record.user);
    session.place.name(&mut record.host);
    population.seat(user).address(&mut record.src_ip);
    session.place.address(&mut record.dst_ip);
    record.process_name.push_str("sshd");
    record.success = Some(event_type != EventType::AuthFailure);
    record.session_id = Some(session.id);
}

fn program_into(program: &Program, record: &mut Record) {
    record.process_name.push_str(program.name);
    record.path.push_str(program.path);
}

/// Appends a folder's path, with the home folder for a `~`.
pub(super) fn folder_into(population: &Population, user: u32, folder: &str, path: &mut String) {
    match folder.strip_prefix('~') {
        Some(rest) => {
            path.push_str("/home/");
            population.name(user, path);
            path.push_str(rest);
        }
        None => path.push_str(folder),
    }
}
