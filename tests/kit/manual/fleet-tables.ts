/** The tables of the page on how far it goes, as `npm run bench:fleet` prints them. */
import { endOfPrimary, needOf, ORDINARY, SERVER } from '../../bench/fleet/fleet.ts'
import { MEASURED } from '../../bench/fleet/measured.ts'
import { renderCosts, renderEnd, renderNeeds, renderSingleCosts } from '../../bench/fleet/render.ts'

const SESSIONS = [1e4, 1e5, 1e6, 1e7, 1e8]

export function renderFleetCosts(): string {
  return renderCosts(MEASURED)
}

export function renderFleetSingleCosts(): string {
  return renderSingleCosts(MEASURED)
}

export function renderFleetNeeds(): string {
  const needs = SESSIONS.map((sessions) => needOf(sessions, ORDINARY, SERVER, MEASURED))
  return `${renderNeeds(needs, SERVER)}\n${renderEnd(endOfPrimary(ORDINARY, SERVER, MEASURED))}`
}
