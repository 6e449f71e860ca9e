import { type AlertEvent, alertEventOf, alertExample, nameOfAlerts } from './alert-event.ts'
import type { Format } from './format.ts'
import { standardHeaders } from './generic.ts'

const maxTextLength = 2_900

/** Slack's incoming webhooks: one message for all alerts of a window, with a plain text for notifications. */
export const slack: Format = {
  nameOf: nameOfAlerts,
  render: (event) => {
    const told = alertEventOf(event)
    const title = titleOf(told)
    const lines = told.alerts.map(
      ({ signal, subject, summary, release, id }) =>
        `*${escaped(signal)}${subject === '' ? '' : ` ${escaped(subject)}`}* ${escaped(summary)}\n_${escaped(release)}_ · \`keel alerts show ${escaped(id)}\``,
    )
    return {
      contentType: 'application/json',
      body: JSON.stringify({
        text: `${title}: ${told.alerts.map(({ summary }) => summary).join(' ')}`.slice(0, maxTextLength),
        blocks: [
          { type: 'header', text: { type: 'plain_text', text: title.slice(0, 150) } },
          ...inSections(lines).map((text) => ({ type: 'section', text: { type: 'mrkdwn', text } })),
        ],
      }),
    }
  },
  headers: standardHeaders,
  example: alertExample,
}

function titleOf({ model, severity, resolved, alerts }: AlertEvent): string {
  if (resolved) return `${model}: over (${alerts.length})`
  return severity === 'digest'
    ? `${model}: this week's digest (${alerts.length})`
    : `${model} needs you (${alerts.length})`
}

/** Slack's three special characters. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** Slack takes at most 50 blocks of at most 3,000 characters. */
function inSections(lines: string[]): string[] {
  const sections: string[] = []
  for (const line of lines) {
    const last = sections.at(-1)
    const short = line.slice(0, maxTextLength)
    if (last !== undefined && last.length + short.length < maxTextLength)
      sections[sections.length - 1] = `${last}\n${short}`
    else sections.push(short)
  }
  return sections.slice(0, 49)
}
