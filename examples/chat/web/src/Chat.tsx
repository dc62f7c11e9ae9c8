import { useEffect, useEffectEvent, useState } from "react";
import { Composer } from "./Composer";
import { ConnectionBanner } from "./ConnectionBanner";
import { ConnectionStatus } from "./ConnectionStatus";
import { hashOf } from "./location";
import { Masthead } from "./Masthead";
import { MessageLog } from "./MessageLog";
import { Panel } from "./Panel";
import { PeopleList } from "./PeopleList";
import { RoomHeader } from "./RoomHeader";
import { RoomList } from "./RoomList";
import { useChat } from "./useChat";
import { useMediaQuery } from "./useMediaQuery";

interface Props {
  name: string;
  onName: (name: string) => void;
}

export function Chat({ name, onName }: Props) {
  const chat = useChat(name);
  const { rooms, current, pending, connection } = chat.state;
  const room = rooms.find((it) => it.name === current);
  const unread = rooms.reduce((sum, it) => sum + it.unread, 0);
  const [drawer, setDrawer] = useState<"rooms" | "people" | null>(null);
  const roomsFit = useMediaQuery("(min-width: 48rem)");
  const peopleFit = useMediaQuery("(min-width: 64rem)");

  useEffect(() => {
    document.title = `${unread > 0 ? `(${unread}) ` : ""}${current ?? "No room"} · Parlor`;
  }, [unread, current]);

  const onKey = useEffectEvent((event: KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step === 0 || !event.altKey || event.ctrlKey || event.metaKey || rooms.length === 0) return;
    event.preventDefault();
    const next = rooms[(rooms.findIndex((it) => it.name === current) + step + rooms.length) % rooms.length];
    if (next) location.hash = hashOf(next.name);
  });
  useEffect(() => {
    const listener = (event: KeyboardEvent) => onKey(event);
    window.addEventListener("keydown", listener);
    return () => window.removeEventListener("keydown", listener);
  }, []);

  return (
    <div className="chat">
      <Masthead name={name} onName={onName}>
        <ConnectionStatus status={chat.status} {...connection} />
      </Masthead>
      <ConnectionBanner status={chat.status} {...connection} onConnect={chat.connect} />
      <div className="columns">
        <Panel as="nav" label="Rooms" fits={roomsFit} open={drawer === "rooms"} onClose={() => setDrawer(null)}>
          <RoomList rooms={rooms} current={current} onGo={() => setDrawer(null)} onLeave={chat.leave} />
        </Panel>
        <main className="conversation">
          {room ? (
            <>
              <RoomHeader
                room={room}
                otherUnread={unread - room.unread}
                onRooms={roomsFit ? undefined : () => setDrawer("rooms")}
                onPeople={peopleFit ? undefined : () => setDrawer("people")}
              />
              <MessageLog key={room.name} room={room} pending={pending} onAgain={chat.sendAgain} onDiscard={chat.discard} />
              <Composer
                room={room}
                onText={(text) => chat.write(room.name, text)}
                onSend={(text) => chat.send(room.name, text)}
                onEnter={() => void chat.enter(room.name)}
              />
            </>
          ) : (
            <div className="empty">
              <p>You are in no room.</p>
              <a href={hashOf("general")}>Enter general</a>
            </div>
          )}
        </main>
        <Panel as="aside" label="People" fits={peopleFit} open={drawer === "people"} onClose={() => setDrawer(null)}>
          {room && <PeopleList people={room.people} name={name} connected={chat.status === "connected"} />}
        </Panel>
      </div>
    </div>
  );
}
