import { apiPage } from './api.ts'
import { commandsPage } from './commands.ts'
import { eventsPage } from './events.ts'
import { filesPage } from './files.ts'
import { errorsPage, settingsPage } from './tables.ts'

const note = '<!-- Made from the code by "npm run reference". -->'

/** Every page of docs/reference by its file's name. */
export async function referencePages(): Promise<Record<string, string>> {
  const pages = {
    'commands.md': await commandsPage(),
    'files.md': filesPage(),
    'settings.md': settingsPage(),
    'api.md': apiPage(),
    'events.md': eventsPage(),
    'errors.md': errorsPage(),
  }
  return Object.fromEntries(Object.entries(pages).map(([name, text]) => [name, `${note}\n\n${text}\n`]))
}
