import { useQuery } from '@tanstack/react-query'
import { useSyncExternalStore } from 'react'
import { ProblemError } from '../../../src/client/client.ts'
import { client } from '../client.ts'

/** Each may what those before it may. */
export const roles = ['viewer', 'member', 'admin'] as const
export type Role = (typeof roles)[number]

/** Who looks at this page, and how people sign in here. */
export function useWho() {
  return useQuery({ queryKey: ['who'], queryFn: () => client.access.waysToSignIn({}), refetchInterval: false })
}

/** Whether who looks may do what this role may: buttons for others are absent. */
export function useMay(role: Role): boolean {
  const { data } = useWho()
  return data !== undefined && data.who.kind !== 'nobody' && roles.indexOf(data.who.role) >= roles.indexOf(role)
}

let refused = false
const listeners = new Set<() => void>()

/** Called with every failure: one that says "nobody is signed in" brings the form, over the page as it is. */
export function noticeRefusal(error: unknown): void {
  if (error instanceof ProblemError && error.problem.code === 'unauthenticated') setRefused(true)
}

export function setRefused(next: boolean): void {
  if (refused === next) return
  refused = next
  for (const listener of listeners) listener()
}

export function isRefused(): boolean {
  return refused
}

export function useRefused(): boolean {
  return useSyncExternalStore((listener) => {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }, isRefused)
}
