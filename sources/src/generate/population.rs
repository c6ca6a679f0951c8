//! Who there is and what each is used to. Drawn once from the seed, apart from everything that happens later.
//!
//! Names and addresses, none of which can be anybody's:
//!
//! - users: `given.family`, from the second round of names on with a number; services `svc-…`;
//! - hosts: `ws-00042.example.net`, a workstation a user, and `srv-git-01.example.net` (RFC 2606), at 10.16.0.0 and up
//!   and 10.1.0.0/16 (RFC 1918);
//! - homes of those who work from outside: 192.0.2.0/24 (RFC 5737);
//! - services on the Internet that people use: 198.18.0.0/15 (RFC 2544);
//! - foreign addresses, seen in anomalies only: 198.51.100.0/24, 203.0.113.0/24 (RFC 5737), 2001:db8::/32 (RFC 3849).

use super::catalogue::{FAMILY_NAMES, GIVEN_NAMES, PROJECTS, ROLES, Role, ServerKind};
use super::options::GeneratorError;
use super::record::put;
use super::rhythm::{Rhythm, SHIFTS};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Normal, Zipf};
use rand_pcg::Pcg64;

/// The exponent of the users' activity by rank.
const ACTIVITY_EXPONENT: f64 = 1.0;

/// How often a member who is off duty is drawn again before it is let pass.
const DRAWS_MAX: u32 = 8;

/// How many services on the Internet people use.
const INTERNET_SERVICES: u16 = 2000;

/// How many programs, servers and Internet services a member is used to.
pub(super) const HABITS: usize = 4;

/// One user's habits.
pub(super) struct Member {
    role: u8,
    pub(super) shift: u8,
    /// How many slots later than the shift the member works.
    pub(super) later: i8,
    pub(super) sudoer: bool,
    /// The last part of the home's address; 0 for who works at the office.
    home: u8,
    pub(super) project: u8,
    /// Places in the role's programs.
    pub(super) programs: [u8; HABITS],
    /// Places in the role's peers, and the numbers of the servers.
    pub(super) servers: [(u8, u8); HABITS],
    pub(super) internet: [u16; HABITS],
}

impl Member {
    /// The place of the role in [`ROLES`].
    pub(super) fn role_at(&self) -> usize {
        usize::from(self.role) % ROLES.len()
    }

    pub(super) fn role(&self) -> &'static Role {
        &ROLES[self.role_at()]
    }
}

/// A place where something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A user's workstation.
    Workstation(u32),
    /// A server, by kind and number from 0.
    Server(u8, u8),
    /// A user's home, by the last part of its address.
    Home(u8),
    /// A service on the Internet.
    Internet(u16),
    /// An address that nobody uses in normal life.
    Foreign(u16),
}

impl Place {
    /// Appends its name; a place outside has none.
    pub(super) fn name(self, out: &mut String) {
        match self {
            Self::Workstation(user) => put(out, format_args!("ws-{user:05}.example.net")),
            Self::Server(kind, number) => {
                let kind = ServerKind::ALL[usize::from(kind) % ServerKind::ALL.len()].name();
                put(out, format_args!("srv-{kind}-{:02}.example.net", u32::from(number) + 1));
            }
            Self::Home(_) | Self::Internet(_) | Self::Foreign(_) => {}
        }
    }

    /// Appends its address.
    pub(super) fn address(self, out: &mut String) {
        match self {
            Self::Workstation(user) => {
                put(out, format_args!("10.{}.{}.{}", 16 + (user >> 16), user >> 8 & 255, user & 255));
            }
            Self::Server(kind, number) => put(out, format_args!("10.1.{kind}.{}", u32::from(number) + 1)),
            Self::Home(last) => put(out, format_args!("192.0.2.{last}")),
            Self::Internet(service) => put(out, format_args!("198.18.{}.{}", service >> 8, service & 255)),
            Self::Foreign(number) => match number % 3 {
                0 => put(out, format_args!("198.51.100.{}", number / 3 % 254 + 1)),
                1 => put(out, format_args!("203.0.113.{}", number / 3 % 254 + 1)),
                _ => put(out, format_args!("2001:db8:{:x}::{:x}", number / 3 % 97, number / 3 + 1)),
            },
        }
    }
}

/// Everybody.
pub(super) struct Population {
    pub(super) members: Vec<Member>,
    /// The members of each shift, the most active first, and how that activity is distributed.
    ranks: [Vec<u32>; SHIFTS.len()],
    zipf: [Option<Zipf<f64>>; SHIFTS.len()],
    servers_a_kind: u8,
}

impl Population {
    pub(super) fn new(seed: u64, entities: u32) -> Result<Self, GeneratorError> {
        let mut rng = Pcg64::seed_from_u64(seed ^ 0x706f_7075_6c61_7465);
        let servers_a_kind = (2 + entities / 1000).min(90) as u8;
        let later = Normal::new(0.0, 7.0).map_err(refused)?;
        let members: Vec<Member> = (0..entities).map(|_| member(&mut rng, servers_a_kind, &later)).collect();
        let mut ranks: [Vec<u32>; SHIFTS.len()] = Default::default();
        for (user, member) in members.iter().enumerate() {
            ranks[usize::from(member.shift)].push(user as u32);
        }
        let mut zipf = [None; SHIFTS.len()];
        for (shift, users) in ranks.iter_mut().enumerate() {
            users.shuffle(&mut rng);
            if !users.is_empty() {
                zipf[shift] = Some(Zipf::new(users.len() as f64, ACTIVITY_EXPONENT).map_err(refused)?);
            }
        }
        Ok(Self { members, ranks, zipf, servers_a_kind })
    }

    /// How much everybody together does in a slot of the week.
    pub(super) fn activity(&self, rhythm: &Rhythm, slot: usize) -> f64 {
        rhythm.activities(slot).iter().zip(&self.ranks).map(|(&activity, users)| f64::from(activity) * users.len() as f64).sum()
    }

    /// Somebody who is at work in a slot.
    pub(super) fn at_work(&self, rhythm: &Rhythm, slot: usize, rng: &mut Pcg64) -> u32 {
        let activities = rhythm.activities(slot);
        let total = self.activity(rhythm, slot);
        let mut user = 0;
        for _ in 0..DRAWS_MAX {
            let mut left = rng.random::<f64>() * total;
            let mut drawn = None;
            for (shift, users) in self.ranks.iter().enumerate().filter(|(_, users)| !users.is_empty()) {
                drawn = Some(shift);
                left -= f64::from(activities[shift]) * users.len() as f64;
                if left < 0.0 {
                    break;
                }
            }
            let Some((shift, zipf)) = drawn.and_then(|shift| Some((shift, self.zipf[shift].as_ref()?))) else { break };
            let rank = (zipf.sample(rng) as usize).clamp(1, self.ranks[shift].len()) - 1;
            user = self.ranks[shift][rank];
            let later = self.members[user as usize].later;
            if rng.random::<f32>() * activities[shift] < rhythm.shifted(slot, shift, later) {
                break;
            }
        }
        user
    }

    /// Anybody.
    pub(super) fn anybody(&self, rng: &mut Pcg64) -> u32 {
        rng.random_range(0..self.members.len() as u32)
    }

    /// Any server.
    pub(super) fn any_server(&self, rng: &mut Pcg64) -> Place {
        Place::Server(rng.random_range(0..ServerKind::ALL.len() as u8), rng.random_range(0..self.servers_a_kind))
    }

    /// Where a member sits.
    pub(super) fn seat(&self, user: u32) -> Place {
        let member = &self.members[user as usize];
        match (member.role().service, member.home) {
            (true, _) => self.server(user, 0),
            (_, 0) => Place::Workstation(user),
            (_, home) => Place::Home(home),
        }
    }

    /// A server that a member is used to.
    pub(super) fn server(&self, user: u32, habit: usize) -> Place {
        let member = &self.members[user as usize];
        let (peer, number) = member.servers[habit % HABITS];
        let (kind, _) = member.role().peers[usize::from(peer) % member.role().peers.len()];
        Place::Server(kind as u8, number)
    }

    /// Appends a user's name.
    pub(super) fn name(&self, user: u32, out: &mut String) {
        let index = user as usize;
        if self.members[index].role().service {
            let job = ["backup", "monitor", "deploy", "report"][index % 4];
            return put(out, format_args!("svc-{job}-{user}"));
        }
        let (given, family) = (index % GIVEN_NAMES.len(), index / GIVEN_NAMES.len() % FAMILY_NAMES.len());
        out.push_str(GIVEN_NAMES[given]);
        out.push('.');
        out.push_str(FAMILY_NAMES[family]);
        let round = index / (GIVEN_NAMES.len() * FAMILY_NAMES.len());
        if round > 0 {
            put(out, format_args!("{}", round + 1));
        }
    }
}

pub(super) fn refused(error: impl std::fmt::Display) -> GeneratorError {
    GeneratorError::Distribution(error.to_string())
}

/// A place in `weights`, as often as its weight says.
pub(super) fn weighted(weights: &[u32], rng: &mut Pcg64) -> usize {
    let mut left = rng.random_range(0..weights.iter().sum::<u32>().max(1));
    for (at, &weight) in weights.iter().enumerate() {
        if left < weight {
            return at;
        }
        left -= weight;
    }
    0
}

/// True in so many of a hundred cases.
pub(super) fn percent(chance: u32, rng: &mut Pcg64) -> bool {
    rng.random_range(0..100) < chance
}

fn member(rng: &mut Pcg64, servers_a_kind: u8, later: &Normal<f64>) -> Member {
    let at = weighted(&ROLES.each_ref().map(|role| role.per_mille), rng);
    let role = &ROLES[at];
    let remote = percent(role.remote_percent, rng);
    Member {
        role: at as u8,
        shift: weighted(&role.shifts, rng) as u8,
        later: later.sample(rng).clamp(-24.0, 24.0) as i8,
        sudoer: percent(role.sudoers_percent, rng),
        home: if remote { rng.random_range(1..255u32) as u8 } else { 0 },
        project: rng.random_range(0..PROJECTS.len() as u32) as u8,
        programs: std::array::from_fn(|_| rng.random_range(0..role.programs.len() as u32) as u8),
        servers: std::array::from_fn(|_| {
            (rng.random_range(0..role.peers.len() as u32) as u8, rng.random_range(0..servers_a_kind))
        }),
        internet: std::array::from_fn(|_| rng.random_range(0..INTERNET_SERVICES)),
    }
}
