import { translated } from '../../shared/translated.ts'

/** The sentences of the login form. */
export const t = translated({
  en: {
    adminKey: 'Admin key',
    logIn: 'Log in',
    loggingIn: 'Logging in…',
    keyIsKept: 'The key is kept in the memory of this page only. Reloading the page asks for it again.',
    keyIsMissing: 'Enter the admin key of the gateway.',
    keyIsWrong: 'That is not the admin key of this gateway.',
    keyIsRejected: 'The gateway does not accept the key any more. Log in again.',
    noKeyTitle: 'This gateway has no admin key.',
    noKey: 'Choose one of 16 characters or more and restart the gateway with it:',
  },
  sv: {
    adminKey: 'Administrationsnyckel',
    logIn: 'Logga in',
    loggingIn: 'Loggar in…',
    keyIsKept: 'Nyckeln finns bara i sidans minne. Om sidan laddas om behöver du ange den igen.',
    keyIsMissing: 'Ange gatewayens administrationsnyckel.',
    keyIsWrong: 'Det är inte den här gatewayens administrationsnyckel.',
    keyIsRejected: 'Gatewayen godtar inte nyckeln längre. Logga in igen.',
    noKeyTitle: 'Den här gatewayen har ingen administrationsnyckel.',
    noKey: 'Välj en på minst 16 tecken och starta om gatewayen med den:',
  },
})
