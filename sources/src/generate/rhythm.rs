//! When people work: a profile a shift over the hours of a week, in UTC.

use trustfold_event::EventTime;

const MICROS_A_SLOT: i64 = SLOT_MINUTES as i64 * 60_000_000;
const SLOTS_A_DAY: usize = 24 * 60 / SLOT_MINUTES as usize;
const SLOTS_A_WEEK: usize = 7 * SLOTS_A_DAY;

/// How fine the rhythm is.
pub(super) const SLOT_MINUTES: u32 = 5;

/// How much is done at the least, at any time: somebody is always up.
const FLOOR: f64 = 0.015;

/// A group of people with the same hours.
#[derive(Clone, Copy)]
pub(super) struct Shift {
    /// Hour of the day at which it begins and how long it lasts.
    pub(super) begins: f64,
    pub(super) hours: f64,
    /// How much of a weekday is done on a day of the weekend.
    pub(super) weekend: f64,
}

/// Every shift; a population's members say theirs by its place here.
pub(super) const SHIFTS: [Shift; 6] = [
    Shift { begins: 6.0, hours: 8.5, weekend: 0.03 },
    Shift { begins: 8.0, hours: 9.0, weekend: 0.05 },
    Shift { begins: 10.0, hours: 9.0, weekend: 0.12 },
    Shift { begins: 14.0, hours: 9.0, weekend: 0.6 },
    Shift { begins: 21.5, hours: 9.0, weekend: 0.6 },
    Shift { begins: 0.0, hours: 24.0, weekend: 1.0 },
];

impl Shift {
    /// Activity between 0 and 1 at an hour of the week, which begins on Monday.
    fn activity(self, hour: f64) -> f64 {
        if self.hours >= 24.0 {
            return 1.0;
        }
        // The part of the shift that began on the same day, or on the day before, past midnight.
        let since = (hour - self.begins).rem_euclid(24.0);
        let day = ((hour - since).rem_euclid(168.0) / 24.0) as u32;
        let of_day = if day >= 5 { self.weekend } else { 1.0 };
        let edge = (since / 1.5).min((self.hours - since) / 1.5).clamp(0.0, 1.0);
        let middle = ((since - self.hours / 2.0).abs() / 0.75).min(1.0);
        FLOOR.max(of_day * edge * (0.6 + 0.4 * middle))
    }
}

/// All shifts' profiles, by slot.
pub(super) struct Rhythm {
    profiles: Vec<[f32; SHIFTS.len()]>,
}

impl Rhythm {
    pub(super) fn new() -> Self {
        let hour = |slot: usize| slot as f64 * f64::from(SLOT_MINUTES) / 60.0;
        Self { profiles: (0..SLOTS_A_WEEK).map(|slot| SHIFTS.map(|shift| shift.activity(hour(slot)) as f32)).collect() }
    }

    /// The slot of the week at a time. The first day of 1970 was a Thursday, the fourth of its week.
    pub(super) fn slot(time: EventTime) -> usize {
        (time.0.div_euclid(MICROS_A_SLOT) + 3 * SLOTS_A_DAY as i64).rem_euclid(SLOTS_A_WEEK as i64) as usize
    }

    /// The end of the slot that a time lies in.
    pub(super) fn slot_end(time: EventTime) -> EventTime {
        EventTime((time.0.div_euclid(MICROS_A_SLOT) + 1) * MICROS_A_SLOT)
    }

    /// Every shift's activity in a slot, 0 to 1.
    pub(super) fn activities(&self, slot: usize) -> &[f32; SHIFTS.len()] {
        &self.profiles[slot % SLOTS_A_WEEK]
    }

    /// A shift's activity for somebody who keeps its hours so many slots later.
    pub(super) fn shifted(&self, slot: usize, shift: usize, later: i8) -> f32 {
        self.profiles[(slot + SLOTS_A_WEEK).saturating_add_signed(-isize::from(later)) % SLOTS_A_WEEK][shift]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weekdays_nights_and_weekends() {
        let rhythm = Rhythm::new();
        let at = |text: &str| *rhythm.activities(Rhythm::slot(EventTime::parse(text).unwrap()));
        let (monday, night, sunday) = (at("2026-03-02T10:30:00Z"), at("2026-03-03T03:00:00Z"), at("2026-03-08T10:30:00Z"));
        assert!(monday[1] > 0.9 && night[1] < 0.05 && sunday[1] < 0.1, "{monday:?} {night:?} {sunday:?}");
        assert!(night[4] > 0.5 && monday[4] < 0.05);
        assert_eq!((monday[5], night[5], sunday[5]), (1.0, 1.0, 1.0));
        // Sunday's late shift lasts into Monday and stays Sunday's.
        assert!(at("2026-03-09T03:00:00Z")[4] < night[4]);
    }
}
