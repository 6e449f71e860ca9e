import type { Command } from '../command.ts'

export const command: Command = {
  summary: 'The whole loop on six months of real flights',
  anywhere: true,
  async run() {
    return { data: {} }
  },
}
