declare module 'virtual:routes' {
  type Routes = import('../../src/client/client.ts').Routes
  export const routes: Routes
}
