export * from "../../live/causes";
