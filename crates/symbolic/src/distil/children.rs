//! What becomes of a network next: its surest edges, looked at, and each tried as the functions that it may be.

use super::Watch;
use super::search::{Early, Search};
use super::state::{State, sureness};
use crate::fit::Fit;
use kanode_network::EdgeId;
use std::sync::Arc;

/// Edges of a network that are tried next, and functions for each.
const EDGES: usize = 2;
const FUNCTIONS: usize = 3;
/// Fits that the search of a single curve counts as.
const CURVE: usize = 40;

impl Search<'_> {
    /// Networks with one function more, from the surest edges of those given.
    pub(super) fn children(&mut self, beam: &[State], watch: &Watch<'_>) -> Result<Vec<State>, Early> {
        let mut beam = beam.to_vec();
        let unseen = |beam: &[State]| -> Vec<(usize, EdgeId)> {
            let of_state = |(at, state): (usize, &State)| {
                let edges = state.open.iter().filter(|(_, seen)| seen.is_none());
                edges.map(move |(edge, _)| (at, *edge)).collect::<Vec<_>>()
            };
            beam.iter().enumerate().flat_map(of_state).collect()
        };
        let first = unseen(&beam);
        self.look(&mut beam, &first, watch)?;
        let bases = self.network.specification().bases();
        let surest = |state: &State| {
            let mut edges: Vec<(f64, EdgeId)> = state
                .open
                .iter()
                .filter_map(|(edge, seen)| Some((sureness(&seen.as_ref()?.fits, bases, self.noise), *edge)))
                .collect();
            edges.sort_by(|a, b| b.0.total_cmp(&a.0));
            edges.into_iter().take(EDGES).map(|(_, edge)| edge).collect::<Vec<_>>()
        };
        let chosen: Vec<(usize, EdgeId)> = beam
            .iter()
            .enumerate()
            .flat_map(|(at, state)| surest(state).into_iter().map(move |edge| (at, edge)))
            .collect();
        let stale: Vec<(usize, EdgeId)> = chosen
            .iter()
            .copied()
            .filter(|(at, edge)| beam[*at].open[edge].as_ref().is_some_and(|seen| !seen.fresh))
            .collect();
        self.look(&mut beam, &stale, watch)?;
        self.search_curves(&mut beam, &chosen, watch)?;
        let mut tries = Vec::new();
        for (at, edge) in chosen {
            let fits = beam[at].open[&edge].as_ref().map(|seen| Arc::clone(&seen.fits)).unwrap_or_default();
            // What an edge does that no function explains may be nothing at all: the loss of the whole tells.
            let unsure = sureness(&fits, bases, self.noise) <= 0.0;
            let plain = |fit: &&Fit| unsure && ["constant", "x"].contains(&fit.family.as_str());
            let others = fits.iter().skip(FUNCTIONS).filter(plain);
            tries.extend(fits.iter().take(FUNCTIONS).chain(others).map(|fit| (at, edge, fit.clone())));
        }
        let beam = &beam;
        let made = self.each(&tries, watch, |this, (at, edge, fit)| {
            beam[*at].with(*edge, fit, &this.rows, &this.scale)
        })?;
        Ok(made.into_iter().flatten().collect())
    }

    pub(super) fn look(
        &mut self,
        beam: &mut [State],
        which: &[(usize, EdgeId)],
        watch: &Watch<'_>,
    ) -> Result<(), Early> {
        let states = &*beam;
        let seen = self.each(which, watch, |this, (at, edge)| {
            states[*at].look(*edge, &this.options.families, &this.rows, this.noise)
        })?;
        for ((at, edge), seen) in which.iter().zip(seen) {
            beam[*at].open.insert(*edge, Some(seen));
        }
        Ok(())
    }

    /// Searches the curves of edges that nothing explains by themselves, as long as there are searches left.
    fn search_curves(
        &mut self,
        beam: &mut [State],
        which: &[(usize, EdgeId)],
        watch: &Watch<'_>,
    ) -> Result<(), Early> {
        let bases = self.network.specification().bases();
        let unexplained = |state: &State, edge: &EdgeId| {
            let seen = state.open[edge].as_ref();
            seen.is_some_and(|seen| !seen.searched && sureness(&seen.fits, bases, self.noise) <= 0.0)
        };
        let open = which.iter().copied().filter(|(at, edge)| unexplained(&beam[*at], edge));
        let mut open: Vec<(usize, EdgeId)> = open.collect();
        self.unexplained |= !open.is_empty();
        open.truncate(self.curves);
        self.curves -= open.len();
        self.evaluations += CURVE * open.len();
        let states = &*beam;
        let found = self.each(&open, watch, |this, (at, edge)| {
            let cancelled = || (watch.cancelled)() || this.is_late();
            states[*at].search(*edge, &this.options.families, &this.rows, this.noise, &cancelled)
        })?;
        for ((at, edge), found) in open.iter().zip(found) {
            if let Some(Some(seen)) = beam[*at].open.get_mut(edge) {
                seen.searched = true;
                let mut fits: Vec<Fit> = seen.fits.iter().cloned().chain(found).collect();
                fits.sort_by(|a, b| a.bits.total_cmp(&b.bits));
                seen.fits = Arc::new(fits);
            }
        }
        Ok(())
    }
}
