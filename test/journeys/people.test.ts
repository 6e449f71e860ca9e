import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Browser, chromium, type Page } from 'playwright-core'
import { acceptInvitation, createToken, inviteUser, listSessions } from '../../src/domains/access/access.ts'
import { testServer } from '../support/context.ts'

const browserPath = process.env['TEST_CHROMIUM']
const skip = !browserPath && 'TEST_CHROMIUM is not set'
const password = 'four quiet winter mornings'
let browser: Browser

before(async () => {
  if (browserPath)
    browser = await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox', '--disable-gpu'] })
})
after(async () => browser?.close())

type Server = Awaited<ReturnType<typeof testServer>>

/** A browser of its own, whose page complains of nothing but of what was refused. */
async function person({ app, url }: Server, name: string, role: 'viewer' | 'member' | 'admin') {
  const { link } = await inviteUser(app.ctx, { name, role })
  const page = await (await browser.newContext()).newPage()
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  await page.goto(new URL(link, url).href)
  await page.getByRole('heading', { name: `Welcome, ${name}` }).waitFor()
  await page.getByLabel(/A password/).fill(password)
  await page.getByRole('button', { name: 'Come in' }).click()
  await page.getByRole('link', { name, exact: true }).waitFor()
  return { page, errors }
}

async function signIn(page: Page, name: string): Promise<void> {
  await page.getByLabel('Name or address').fill(name)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

test('people come in by a link, sign in and out, and what they may not do has no button', { skip }, async (t) => {
  const server = await testServer(t, { settings: { host: '0.0.0.0' } })
  const stranger = await browser.newPage()
  await stranger.goto(server.url)
  await stranger.getByText(/Nobody has an account yet/).waitFor()

  const { page: mara, errors } = await person(server, 'mara', 'admin')
  await mara.getByRole('link', { name: 'mara', exact: true }).click()
  await mara.getByLabel('Name', { exact: true }).fill('bo')
  await mara.getByLabel('Role', { exact: true }).selectOption('viewer')
  await mara.getByRole('button', { name: 'Invite' }).click()
  const link = await mara.getByTestId('invitation').innerText()
  assert.match(link, /^http:\/\/[^/]+\/join#join_/)
  await mara.getByRole('button', { name: 'Sign out' }).click()
  await signIn(mara, 'mara')
  await mara.getByRole('link', { name: 'mara', exact: true }).waitFor()
  assert.deepEqual(errors, [])

  const bo = await (await browser.newContext()).newPage()
  await bo.goto(link)
  await bo.getByLabel(/A password/).fill(password)
  await bo.getByRole('button', { name: 'Come in' }).click()
  await bo.getByRole('link', { name: 'bo', exact: true }).click()
  await bo.getByRole('heading', { name: 'People' }).waitFor()
  assert.equal(await bo.getByRole('button', { name: /Invite|Block|Create/ }).count(), 0)
})

test('a session that ends in the middle of a form takes nothing that was typed', { skip }, async (t) => {
  const server = await testServer(t, { settings: { host: '0.0.0.0' } })
  const { page } = await person(server, 'mara', 'admin')
  await page.getByRole('link', { name: 'mara', exact: true }).click()
  await page.getByLabel('Name of a token').fill('half-typed')
  const { token } = await createToken(server.app.ctx, { name: 'root', role: 'admin' })
  const sessions = await listSessions(server.app.ctx, { all: true })
  for (const { id } of sessions.items) {
    const ended = await fetch(`${server.url}/api/v1/sessions/${id}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${token}` },
    })
    assert.equal(ended.status, 200)
  }
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  await signIn(page, 'mara')
  await page.getByRole('heading', { name: 'Sign in' }).waitFor({ state: 'hidden' })
  assert.equal(await page.getByLabel('Name of a token').inputValue(), 'half-typed')
  await page.getByRole('button', { name: 'Create' }).click()
  assert.match(await page.getByTestId('token').innerText(), /^keel_/)
})

test('ten people are signed in on one server at once, each as themselves', { skip }, async (t) => {
  const server = await testServer(t, { settings: { host: '0.0.0.0' } })
  const names = Array.from({ length: 10 }, (_, index) => `person-${index}`)
  const sessions = await Promise.all(
    names.map(async (name) => {
      const { link } = await inviteUser(server.app.ctx, { name, role: 'member' })
      return (await acceptInvitation(server.app.ctx, { text: link.split('#')[1] ?? '', password })).session.text
    }),
  )
  for (const [index, value] of sessions.entries()) {
    const context = await browser.newContext()
    await context.addCookies([{ name: 'keel_session', value, url: server.url }])
    const page = await context.newPage()
    await page.goto(server.url)
    await page.getByRole('link', { name: names[index] ?? '', exact: true }).waitFor()
    await context.close()
  }
  const { items } = await listSessions(server.app.ctx, { all: true })
  assert.deepEqual(new Set(items.map(({ user }) => user)), new Set(names))
})
