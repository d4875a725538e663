/// <reference types="vite/client" />

/** Whether the fake host is built in: development and browser tests only. */
declare const __SCENARIO__: boolean;
